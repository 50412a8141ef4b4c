// Package store keeps the users in a database: MySQL or MariaDB in production,
// SQLite in development. What it must do is said once, by the suite in storetest,
// which runs against each of them.
//
// There are two tables, which the migrations module creates: Users, which the
// surrounding services read, and the inbox, which says what was done for each saga.
// Both are written in one transaction, and that is what the guarantees rest on.
//
// # Twice
//
// A saga that is delivered again finds its own row in the inbox and gets the same
// answer. It does not matter how long ago the first delivery was, or whether its
// answer was ever heard: when a commit's answer is lost, the retry finds out what
// became of it.
//
// # At once
//
// Any number of replicas may insert and remove the same sagas and Ids at the same
// moment. The tables' primary keys decide who wins. All transactions take their locks in
// one order, the inbox by key and then Users by Id, so they rarely meet head on;
// when they do, or when a lock is long in coming, the transaction is repeated within
// the caller's context. They read what is committed (READ COMMITTED), because the
// repeatable reads that are MySQL's default would lock the gaps between rows, and
// neighbours would wait for each other.
//
// # On a crash
//
// Either both rows stand or neither. Insert of a large batch is several transactions,
// so some of its sagas may be settled when an error comes; repeating the whole batch
// is right.
package store
