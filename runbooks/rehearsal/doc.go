// Package rehearsal walks the shipped runbooks through the simulated clusters they are
// for, as their users would: by the built program's command line, faults and repairs
// among it. It is test code.
//
// [Begin] starts a run and leaves it at its first stop; [Rehearsal.GoOn] goes on, as an
// unattended caller who opens every gate; [Rehearsal.Remedy] is a person who answers a
// failure. What was done on the hosts is in [Rehearsal.Ledger], also after the end.
package rehearsal
