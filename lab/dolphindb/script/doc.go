// Package script interprets the part of DolphinDB's language that runbooks use
// to look at a cluster and to work it.
//
// It owns the language: statements, values, SQL over tables, and the way the
// console prints them. It knows nothing of a cluster: everything of the server
// goes through [Env], which is the node that a script runs on.
//
// It imports nothing of the project and does no I/O but through Env and the
// writer that it was given.
//
// The invariant: what isn't understood is refused, in DolphinDB's words, and
// never guessed; no script, however odd, panics or runs without end.
package script
