// Package sagatest runs an embedded NATS server with the streams and consumers
// of Create User, for tests of the saga package and of services:
//
//	s := sagatest.New(t, event.StepCodeChecker)
//	sagatest.Run(s, step)
//	key := s.Append(body, s.Key(body.UserID()), deadline)
//	s.Expect(key, event.TypeCodeChecked)
//
// Every helper fails the test itself, and waits on messages, never on time. What
// is declared here follows event.Path; the declarations of a deployment stand in
// the streams module.
package sagatest
