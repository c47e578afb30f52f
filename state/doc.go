// Package state is the journal of runs in one SQLite file: events in a hash
// chain per run, output, the texts a run was started from, and the lease that
// lets one process at a time drive a run.
//
// It imports runbook/run and runbook/text and no other sibling; it doesn't know
// what an event means beyond what must be unique.
//
// What it keeps:
//   - Whatever a method reported as done is durable: WAL with synchronous=FULL,
//     read back on every connection.
//   - An event is never changed or deleted, an attempt has one intent and one
//     outcome, a grant is used once: unique indexes and triggers of the schema.
//   - Driver events are committed together with a check of the lease's epoch. A
//     lease is taken only with the lock file, never by the passing of time, or by
//     force on a person's word; the holder it is taken from can't write any more.
//   - The database, its log and the log's index are looked at before and after
//     each write: what went into a file that was deleted or replaced isn't
//     reported as done.
//   - A journal that was lost, put back or damaged is never repaired or made anew
//     by itself. What proves can be read ([Store.Load], [Store.Salvage]), and
//     [Examine] says what is wrong and what to do.
//   - After the first write that failed for good the store is read-only
//     ([LatchedError]), because a disk that was full can take a smaller write,
//     and a row whose sync failed can turn up again.
//
// Nothing in the process may open the database, its -wal or its -shm other than
// through SQLite while a store is open: closing such a file drops the POSIX
// locks that SQLite holds on it.
package state
