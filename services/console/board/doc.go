// Package board is the console's projection of the event store: which sagas
// there are, how each stands, and how the flow has been for the last quarter of
// an hour. It is fed every event in order by a follower of the store and keeps
// everything in memory, so a console that restarts reads the store anew, and any
// number of consoles may run.
//
// An event that comes twice counts once. Of the oldest sagas, those beyond the
// limit are forgotten; the event store still has them.
package board
