// Package access says what each service, publisher and operator may do on NATS,
// derived from the saga's path, and writes it as the accounts of a NATS server.
//
// Every stream lives in an account of its own, its home, and everyone who
// connects has an account of their own, too. A home exports each subject to
// exactly those who need it. What is not exported to an account does not exist
// for it.
//
// # Why accounts, when users have permissions
//
// Permissions inside one account can be passed by: the server publishes for a
// client, as the answer to a request whose reply subject is an event's, or as
// the delivery of a consumer that the client creates. Between accounts both end
// in the account they came from: an answer goes to the account that asked, and a
// consumer delivers inside its stream's home, where there is no other stream to
// write to. Permissions are set as well: they make every refusal an error that
// names the subject, on the client and in the server's log.
//
// # What cannot be told apart
//
// Who may create a consumer of its own on a stream (a [Peer] that follows it, or
// fetches images) chooses its filter, and asks for a name that no subject can
// foresee. The names of the steps' consumers are denied to it one by one.
package access
