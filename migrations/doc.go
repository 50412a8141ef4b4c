// Package migrations creates the tables of the user-writer: Users, which the
// surrounding services read, and create_user_inbox, which is ours alone.
//
// A Users table that exists already is adopted as it is. It is never altered, and
// no migration is ever taken back: going down drops nothing.
//
// # Twice, at once, and on a crash
//
// Any number of replicas may call [Up] at the same moment. One applies what is
// pending while the others wait, on MySQL for a named lock of the server (GET_LOCK)
// and on SQLite for the write lock of the file; then they find nothing left to do.
// Both locks fall with the connection of a replica that dies.
//
// MySQL commits each definition by itself, so a crash can come between a table and
// the note that it was made. The next Up then makes it again. Hence the rules
// for a new migration, which a test checks: one statement per file, and one that
// may run twice (IF NOT EXISTS).
package migrations
