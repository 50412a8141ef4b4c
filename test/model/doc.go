// Package model simulates the whole saga, one seed at a time, and judges what is
// left at rest by the invariants that every level of test shares (package
// invariants of test/chaos). A run takes a fraction of a millisecond, so thousands
// of interleavings fit into a test.
//
// # What happens in a run
//
// One to three users, of a dozen kinds (submitted twice at once or later with the
// same, another or no message id; wrong codes; a foreign row; unreadable…), and a
// storm: deliveries and redeliveries, to several processes at once; a process stops
// before each thing it does, and may be killed there, between effect, append and
// ack; effects that happen and are answered with an error; requests, appends, acks
// and their answers that get lost; replicas that lag; handlers that panic, or kill
// their process each time; services that stop, parts that are away, streams that
// are full; time, two watchdogs, two notifiers that restart; dead letters and their
// replay. Then everything is healed and comes to rest, without time passing.
//
// # What is real, and what is a model
//
//	invariants, events, subjects, outcomes, attempts    real: the packages event and invariants
//	runner (package saga)      a model, runner.go; TestRunner_DoesWhatTheModelDoes has the real
//	                           one take every different delivery that some hundred runs made, and
//	                           compares what it asks for, step by step
//	codes and store            models, codes.go and users.go; TestParts_AnswerAsTheirModelsDo runs
//	                           the simulation on package codes with a Redis in process and on
//	                           package store with SQLite beside them, and compares every answer
//	business rules, watchdog,  models, rules.go and watch.go, read off the services, whose own are
//	notifier, replay           not exported; compared by nobody but the reader
//	streams, consumers         models, history.go, ops.go: compare-and-append, dedupe window, work
//	                           queue, redelivery; that JetStream is like that is tested in pkg/saga
//
// Not in the model: batches (a batch is an interleaving of its events), sealing,
// images, times of backoff and ack wait (a redelivery may come at any moment).
//
// # What the runs have found and are kept from finding again
//
// Each is a line to delete here once the product is mended.
//
//   - run.go, moment: a dead letter past the pivot is replayed only when its message is
//     off its consumer. The product refuses to replay a saga that has completed (mutant
//     ReplayCompleted), but not one that completes a moment later.
//   - world.go, leaveBehind: a process that is left behind after its message was settled
//     may leave a claim, which lapses a minute after the deadline, or is released when
//     somebody needs the code.
//
// # Which test catches which broken rule
//
// TestMutants_AreCaught breaks each rule of DESIGN §5 in the model, one at a time,
// and expects one of the invariants that mutant.go names for it. The same seeds
// hold when nothing is broken (TestSaga_HoldsInEveryInterleaving). README.md lists
// them.
package model
