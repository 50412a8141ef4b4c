// Package bull works on queues of Bull 4, the job library of Node.js, beside its
// producers, its own workers and its dashboards. It is written from Bull's
// documentation and from what Bull says to Redis; the scripts are its own.
//
// # A queue in Redis
//
// Every key begins with the prefix and the queue's name: bull:Create_User:…
//
//	wait, paused       lists of the waiting jobs, the next one at the right; paused
//	                   takes the place of wait while the queue is paused
//	active             list of the jobs at work
//	delayed            sorted set; score: due time in ms × 4096 + the job id's low 12 bits
//	priority           sorted set of the waiting jobs that have a priority
//	completed, failed  sorted sets by time of the end in ms
//	<id>               hash of one job: data, opts, attemptsMade, returnvalue, …
//	<id>:lock          token of the worker that is at the job; it expires
//	stalled            set of the active jobs that were not seen alive since the last check
//	stalled-check      held for the time between two checks
//	meta-paused        is there while the queue is paused
//	limiter            jobs begun in the current period of the rate limit
//
// Events are published on channels of the same names: completed, failed,
// delayed, drained, active@<token>, waiting@<token>, stalled@.
//
// # What happens twice, at once, and on a crash
//
// A job is in one state at a time, and each change is one script, so whoever
// reads between two sees the truth. A worker may touch a job only while its lock
// holds its own token. A worker that dies leaves its jobs active without a lock;
// the next but one check of any worker, Bull's or ours, lets them wait again. So
// a handler may see a job twice, and at worst twice at once: it must be
// idempotent. What comes out of the slower one is dropped.
//
// A job never fails here because it has stalled: Bull's own workers give up at
// the second time.
package bull
