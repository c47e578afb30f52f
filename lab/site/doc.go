// Package site is a lab's directory on disk: its hosts, ports and speed, the
// faults that are switched on, and the ledger of what was done.
//
// It is what the lab process, the programs on its hosts and the tests share. It
// imports nothing of the project but runbook/text, starts no process and opens
// no connection.
//
// The invariant: everything here survives the death of every process at any
// moment. Files are replaced whole, the ledger is appended with one write and
// synced before the act it tells of.
package site
