// Package executor runs commands on one host, on this machine or over SSH, so
// that an interruption at any point leaves a question that the host can answer.
//
// A read-only look ([Executor.Look]) is unclaimed and may be repeated. Anything
// else is an attempt: it is claimed in a directory on the host before it starts,
// is run by a detached runner that outlives the connection, and leaves its exit
// code there. The package imports no sibling: it knows nothing of runbooks,
// plans or journals. The caller makes the intent durable before it calls
// [Executor.Start].
//
// The invariant: an error never means that a command failed. Errors say that
// the answer is not known; exit codes come only from the host's own record.
package executor
