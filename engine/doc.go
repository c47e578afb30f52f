// Package engine drives a run: it asks [run.Next] what is next, makes the
// answer durable in the journal before anything leaves this process, has the
// executor of the right host perform it, and journals what came of it.
//
// It imports the core, checks and executor, and neither state nor tui: the
// journal is a port that the store satisfies, and a user interface sees the
// engine as a controller and a source of snapshots.
//
// A [Preflight] comes before a run, looks at what it will need, changes nothing, and
// hands its connections on.
//
// Beside the run, in tasks of their own, go its background processes: each has one
// keeper, which starts it, follows it, tells its host that it is still wanted, starts it
// again, and ends it before anything comes behind it. One that nobody keeps any more is
// ended before another is started.
//
// The invariants: one goroutine decides, whatever goes on beside it at the cells
// that go together; an event changes the state only after it is durable; no byte
// of an attempt leaves before its intent is; when the journal can't be written
// nothing more is started; a secret leaves in a check's environment or in a login
// to a database, and is masked in all that goes to the journal or to a screen.
package engine
