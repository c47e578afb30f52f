package tui

import (
	"stepgate/runbook/run"
	"stepgate/tui/output"
)

// message is what the program's own commands and its pump tell the model.
type message interface{ message() }

type (
	// snapMsg is a newer view of the run.
	snapMsg struct{ snap *run.Snapshot }
	// overMsg: the run can't change any more.
	overMsg struct{}
	// doneMsg is the controller's answer to an action.
	doneMsg struct {
		verb run.Verb
		gate string // of an answer
		err  error
	}
	// respondedMsg is the controller's answer to what a login was answered.
	respondedMsg struct {
		prompt string
		err    error
	}
	// loanMsg is the wish of a command to have the terminal.
	loanMsg struct {
		loan *Loan
		to   string // whose
	}
	// backMsg: the terminal is back, or could not be given.
	backMsg struct {
		loan *Loan
		err  error
	}
	// outputMsg is what was read of an attempt's output.
	outputMsg struct {
		request output.Request
		reply   output.Reply
		err     error
	}
	// scannedMsg is what a search has found so far.
	scannedMsg struct {
		found output.Scanned
		err   error
	}
	// outsideMsg: a program of the operator's own has given the terminal back.
	outsideMsg struct{ said message }
	// pagedMsg: the pager has ended.
	pagedMsg struct{ err error }
	// tickMsg moves the clock and the spinner, while something is going on.
	tickMsg struct{ no int }
)

func (snapMsg) message()      {}
func (overMsg) message()      {}
func (doneMsg) message()      {}
func (respondedMsg) message() {}
func (loanMsg) message()      {}
func (backMsg) message()      {}
func (outputMsg) message()    {}
func (scannedMsg) message()   {}
func (outsideMsg) message()   {}
func (pagedMsg) message()     {}
func (tickMsg) message()      {}
