package parts

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

// part under test, with how to write a value and read it back.
type outageCase struct {
	server *Server
	write  func(ctx context.Context, value string) error
	read   func(ctx context.Context) (string, error)
}

func TestServer_OutagesAreReal(t *testing.T) {
	for name, start := range map[string]func(*testing.T) outageCase{"Redis": redisCase, "MariaDB": mariaDBCase} {
		t.Run(name, func(t *testing.T) { checkOutages(t, start(t)) })
	}
}

// checkOutages takes a server through every outage. A value that was written
// before one must be there after it.
func checkOutages(t *testing.T, c outageCase) {
	t.Helper()
	for _, outage := range []struct {
		name       string
		begin, end func(testing.TB)
	}{
		{"stopped", c.server.Stop, c.server.Start},
		{"frozen", c.server.Pause, c.server.Resume},
		{"stopped while frozen", func(t testing.TB) { c.server.Pause(t); c.server.Stop(t) }, c.server.Start},
	} {
		if err := c.write(t.Context(), outage.name); err != nil {
			t.Fatalf("before it is %s: %v", outage.name, err)
		}
		outage.begin(t)
		if answers(t.Context(), c.server) {
			t.Errorf("it answers while %s", outage.name)
		}
		outage.end(t)
		got, err := c.read(t.Context())
		if err != nil || got != outage.name {
			t.Errorf("after it was %s: got %q, %v; want %q", outage.name, got, err, outage.name)
		}
	}
	c.server.Kill(t)
	if answers(t.Context(), c.server) {
		t.Error("it answers although killed")
	}
	c.server.Start(t)
}

// answers asks the server once, and gives it little time.
func answers(ctx context.Context, s *Server) bool {
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	return s.part.ready(ctx, s.url) == nil
}

func redisCase(t *testing.T) outageCase {
	t.Helper()
	r := RedisAlone(t)
	options, err := redis.ParseURL(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return outageCase{
		server: r.Server,
		write:  func(ctx context.Context, value string) error { return client.Set(ctx, "key", value, 0).Err() },
		read:   func(ctx context.Context) (string, error) { return client.Get(ctx, "key").Result() },
	}
}

func mariaDBCase(t *testing.T) outageCase {
	t.Helper()
	m := MariaDBAlone(t)
	db, err := openMariaDB(m.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE T (K INT PRIMARY KEY, V VARCHAR(100))"); err != nil {
		t.Fatal(err)
	}
	return outageCase{
		server: m.Server,
		write: func(ctx context.Context, value string) error {
			_, err := db.ExecContext(ctx, "REPLACE INTO T VALUES (1, ?)", value)
			return err
		},
		read: func(ctx context.Context) (value string, err error) {
			err = db.QueryRowContext(ctx, "SELECT V FROM T WHERE K = 1").Scan(&value)
			return value, err
		},
	}
}

func TestShared_OneServerForAllTests(t *testing.T) {
	if a, b := Redis(t), Redis(t); a.Addr != b.Addr {
		t.Errorf("two Redis servers: %s and %s", a.Addr, b.Addr)
	}
	a, b := MariaDB(t), MariaDB(t)
	if a.Addr != b.Addr {
		t.Errorf("two MariaDB servers: %s and %s", a.Addr, b.Addr)
	}
	if a.Addr == MariaDBAlone(t).Addr {
		t.Error("the test's own server is the shared one")
	}
}

func TestShared_CannotBeStoppedByOneTest(t *testing.T) {
	shared := Redis(t)
	message := fatal(t, func(t testing.TB) { shared.Stop(t) })
	if !strings.Contains(message, "RedisAlone") {
		t.Errorf("message %q; want one that names RedisAlone", message)
	}
	if err := pingRedis(t.Context(), shared.URL); err != nil {
		t.Errorf("it was stopped all the same: %v", err)
	}
}

func TestDatabase_IsFreshAndDroppedWithItsTest(t *testing.T) {
	m := MariaDB(t)
	var dsn string
	t.Run("two databases of one server are separate", func(t *testing.T) {
		dsn = m.Database(t)
		for _, dsn := range []string{dsn, m.Database(t)} {
			if err := execSQL(dsn, "CREATE TABLE Users (Id INT)"); err != nil {
				t.Fatal(err)
			}
		}
	})
	if err := execSQL(dsn, "SELECT 1"); err == nil {
		t.Error("the database outlives its test")
	}
}

func TestDatabase_HoldsEveryCharacter(t *testing.T) {
	db, err := openMariaDB(MariaDB(t).Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE T (V VARCHAR(10))"); err != nil {
		t.Fatal(err)
	}
	want := "é漢😀"
	if _, err := db.ExecContext(t.Context(), "INSERT INTO T VALUES (?)", want); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := db.QueryRowContext(t.Context(), "SELECT V FROM T").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

func TestMain_IsDemandedOfThePackage(t *testing.T) {
	s := current.Swap(nil)
	defer current.Store(s)
	if message := fatal(t, func(t testing.TB) { Redis(t) }); !strings.Contains(message, "parts.Main(m)") {
		t.Errorf("message %q; want one that shows what to write", message)
	}
}

// doomed is a testing.TB whose failure is watched instead of suffered.
type doomed struct {
	testing.TB
	message string
}

func (d *doomed) Helper() {}

func (d *doomed) Fatal(args ...any) {
	d.message = fmt.Sprint(args...)
	runtime.Goexit()
}

func (d *doomed) Fatalf(format string, args ...any) { d.Fatal(fmt.Sprintf(format, args...)) }

// fatal returns the message with which act fails its test, and fails t if it does not.
func fatal(t *testing.T, act func(testing.TB)) string {
	t.Helper()
	d := &doomed{TB: t}
	ended := make(chan error, 1)
	go func() {
		var err error
		defer func() { ended <- err }()
		act(d)
		err = errors.New("it does not fail")
	}()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return d.message
}
