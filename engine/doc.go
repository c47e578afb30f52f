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
// Beside the run, in tasks of their own (beside.go), go its monitors and its background
// processes; what the rules want there is asked for anew after each event.
//
// A monitor (monitor*.go) is sampled at each of its places, from start to start. _look
// takes one sample, _feed judges a place's samples and knows when it turns, _axis puts
// them on one time, whatever is done to the clock, _collect has them seen at once and
// journaled in batches, so that no sample waits for the disk, and _reach says when a host
// may be tried again. What wasn't seen is no sample: when the host, the link, this machine
// or a process on the way kept one from being taken, the time is unobserved.
//
// A background process (background*.go) has one keeper, which starts it (_keep), follows
// it and tells its host that it is still wanted (_life), starts it again, and ends it
// before anything comes behind it (_end). One that nobody keeps any more is ended before
// another is started. What goes over one that is down (_over) is unknown; the lines of one
// may be the samples of a monitor (_lines, and monitor_lines.go).
//
// The invariants: one goroutine decides, whatever goes on beside it at the cells
// that go together; an event changes the state only after it is durable; no byte
// of an attempt leaves before its intent is; when the journal can't be written
// nothing more is started; a secret leaves in a check's environment or in a login
// to a database, and is masked in all that goes to the journal or to a screen.
package engine
