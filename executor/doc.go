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
//
// [Sessions], [Request] and [Reach] ask databases, HTTP servers and ports, from this
// machine or, through [Executor.Dial], from a host. They claim nothing, as there is no
// claim to be had: after an interruption nobody but the server knows what became of
// what was sent. What keeps a check from writing is the database's own read-only
// transaction.
//
// # On a host
//
// The only command line is a constant that reads a program from its stdin and
// evaluates it when its end has come; the programs are in host/. They need a POSIX
// shell called sh and the usual small tools; no setsid, no flock, nothing installed.
// An attempt is the directory DIR/RUN/ATTEMPT:
//
//	meta        who claimed it: the intent's hash, machine, boot, process group
//	body        the program text, byte for byte
//	go/         the point of no return: whoever makes it decides
//	go/runner   pid and start time of the runner that made it
//	go/fenced   a probe made it: the attempt never starts
//	out, err    output, appended to as it comes
//	rc          exit code and seconds, by rename
//	go/beat     of an attempt with a leash: changes with every [Executor.Beat]
//	go/watch    pid and start time of its watchdog
//	filter      the awk program that masks output, of a command that gets secrets
//	go/filters  pids of the two that run it; pipe1, pipe2 and their .ended are theirs
//	*.sudo      output of sudo before another user's command begins; put away then
//
// DIR/RUN.closed refuses claims of a discarded run. DIR/id and DIR/RUN.claims are for
// what somebody removes: the intent pins the directory's id, and each run's claims are
// listed, so that what was removed isn't taken for what never was. A probe looks for
// that before it fences. Values of variables are never written there.
//
// An attempt with a leash (a background process) has a watchdog beside its runner, in the
// same process group: when nobody has beaten for as long as the leash, it ends the group,
// by TERM and ten seconds later by KILL. It stays for as long as anything of the command is
// alive, with or without the runner, and whatever becomes of the attempt's directory. Only
// KILL and STOP, sent to it or to the whole group, keep it from its work.
//
// What a host can't give: output goes to files, so a command that opens
// /dev/stdout or /dev/stderr for writing without appending truncates what it has
// written before. A process that leaves the command's process group isn't seen.
package executor
