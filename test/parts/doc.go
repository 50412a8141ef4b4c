// Package parts gives tests the real parts that Create User stands on: Redis,
// MariaDB, NATS with JetStream, and Node.js packages.
//
// # Where a server comes from
//
// For Redis and MariaDB the first of these that works is taken:
//
//  1. the address in the environment: TEST_REDIS_URL (redis://…) or
//     TEST_MYSQL_DSN (a go-sql-driver DSN of a user that may create databases);
//  2. Docker, when its engine answers and the image is there or can be pulled;
//  3. the machine's own binaries: private instances on free loopback ports,
//     with their data in a temporary folder.
//
// When none works the test fails and says what to install. It never skips.
// TEST_PARTS=env, docker or binaries forces one of the three.
//
// # How long a server lives
//
// [Redis] and [MariaDB] are shared by all tests of a test binary: started at
// first use, ended with the binary. A package that uses them therefore hands
// its run to [Main]:
//
//	func TestMain(m *testing.M) { parts.Main(m) }
//
// [RedisAlone] and [MariaDBAlone] start an instance for one test, which may
// stop, kill, freeze and restart it; it ends with the test. [NATS] is always
// alone: it starts within milliseconds.
//
// # What happens at once, and on a crash
//
// Any number of test binaries may run at once: every one has its own servers,
// folder and ports. A test binary that crashes, is killed or times out leaves
// nothing behind: on Linux the kernel kills its server processes with it, and
// a guard process, which waits for the binary's end, removes its containers
// and its temporary folder.
package parts
