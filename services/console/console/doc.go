// Package console is the operators' page: the flow of registrations step by
// step, each saga's history, the dead letters, and the system behind them.
//
// Pages are made on the server and come whole; a script keeps them up to date
// with server-sent events. Everything is read from the event store, the dead
// letters and the server's own words, so a console that dies loses nothing, and
// any number may run. What an operator does is stored as an audit event first.
package console
