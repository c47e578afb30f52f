package report

import (
	"fmt"
	"strings"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// Transcript is what a report of a run is made from.
type Transcript struct {
	Run     *run.Run     // folded over Records
	Records []run.Record // all of the run, in order
	// Output returns what the journal keeps of an attempt's stdout (0) or
	// stderr (1), and how many bytes of it are left out. nil: nothing is kept.
	Output func(attempt string, stream int) (data []byte, omitted int64, err error)
	Now    time.Time // when the report is made
	// Problem says why the end of the journal couldn't be read; empty: it could.
	Problem string
}

// output reads one stream; the error says whose.
func (t Transcript) output(attempt string, stream int) ([]byte, int64, error) {
	if t.Output == nil {
		return nil, 0, nil
	}
	data, omitted, err := t.Output(attempt, stream)
	if err != nil {
		return nil, 0, fmt.Errorf("read output of attempt %q: %w", attempt, err)
	}
	return data, omitted, nil
}

// driver is one lease: who drove the run, from when, until when.
type driver struct {
	Holder string    `json:"holder"`
	Actor  string    `json:"actor"`
	Epoch  uint64    `json:"epoch"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until,omitzero"`   // zero: it still drives, or ended without a word
	How    string    `json:"how"`              // released: why; else "driving", "the run is closed" or "ended without a word"
	Event  uint64    `json:"event"`            // number of the LeaseTaken
	Last   time.Time `json:"last_event"`       // of its latest event
	Events int       `json:"events_in_charge"` // while it held the lease
}

const (
	drives = "driving"
	silent = "ended without a word"
	closed = "the run is closed"
)

func drivers(records []run.Record) []driver {
	var out []driver
	for _, rec := range records {
		if e, ok := rec.Event.(run.LeaseTaken); ok {
			if n := len(out); n > 0 && out[n-1].How == drives {
				out[n-1].How = silent
			}
			out = append(out, driver{Holder: e.Holder, Actor: rec.Actor, Epoch: rec.Epoch, From: rec.Wall, How: drives, Event: rec.Seq})
		}
		if len(out) == 0 {
			continue
		}
		d := &out[len(out)-1]
		if d.How != drives && d.How != closed {
			continue
		}
		d.Last, d.Events = rec.Wall, d.Events+1
		switch e := rec.Event.(type) {
		case run.LeaseReleased:
			d.Until, d.How = rec.Wall, e.Why
		case run.RunClosed:
			d.Until, d.How = rec.Wall, closed
		}
	}
	return out
}

// exception is something that did not go as the runbook is written.
type exception struct {
	Event  uint64    `json:"event"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	What   string    `json:"what"`
	Step   string    `json:"step,omitempty"`
	Target string    `json:"target,omitempty"`
	Detail string    `json:"detail,omitempty"` // reason, evidence, argv: as given
}

func exceptions(records []run.Record) []exception {
	var out []exception
	for _, rec := range records {
		what, detail := exceptional(rec.Event)
		if what == "" {
			continue
		}
		k := about(rec.Event)
		out = append(out, exception{rec.Seq, rec.Wall, rec.Actor, what, k.Step, k.Target, detail})
	}
	return out
}

// about is what an event is about: a cell, an instance of a walk, or a walk.
func about(e run.Event) run.Key {
	switch e := e.(type) {
	case run.InstanceExcluded:
		return run.Key{Step: e.Walk + "[" + e.Instance + "]"}
	case run.WalkOrdered:
		return run.Key{Step: e.Walk}
	case run.Jumped:
		return e.To
	case run.MonitorTurned:
		return run.Key{Step: e.Monitor, Target: e.Where}
	}
	k, _ := run.KeyOf(e)
	return k
}

const (
	rerun      = "run again by RERUN"
	wasRed     = "monitor red"
	preGranted = "gate opened by a pre-grant"
)

// exceptional names what an event makes of a run that isn't as written, or "".
func exceptional(e run.Event) (what, detail string) {
	switch e := e.(type) {
	case run.CellSkipped:
		return "skipped", e.Reason
	case run.OutcomeResolved:
		return resolution(e), e.Reason
	case run.Interrupted:
		return "outcome unknown", e.Why
	case run.RerunOverride:
		return rerun, e.Typed
	case run.RollbackRequested:
		return "rolled back", ""
	case run.InstanceExcluded:
		return "taken out of its walk", e.Reason
	case run.WalkOrdered:
		if e.Why != "" {
			return "order changed by a person", e.Why
		}
	case run.GateGranted:
		if e.Pre != "" {
			return preGranted, e.Pre
		}
	case run.LeaseTaken:
		if e.Forced {
			return "taken over by force", e.Holder
		}
	case run.Adopted:
		return "another version of the runbook adopted", changes(e.Changes)
	case run.MonitorTurned:
		if e.Red {
			return wasRed, evidence(e)
		}
	case run.MonitorAcknowledged:
		return "gone on although a monitor was red", acknowledged(e)
	case run.RunClosed:
		if e.How == run.Aborted {
			return "aborted", e.Why
		}
	}
	return offBook(e)
}

func resolution(e run.OutcomeResolved) string {
	to := "failed"
	if e.Succeeded {
		to = "done"
	}
	switch e.Method {
	case run.ByOperator:
		return "marked " + to + " by a person"
	case run.ByCheck:
		return "unknown, settled as " + to + " by its checks"
	case run.ByProbe:
		return "unknown, settled as never started by its host"
	}
	return "settled as " + to
}

// history is the records about each cell, in order.
func history(records []run.Record) map[run.Key][]run.Record {
	m := map[run.Key][]run.Record{}
	for _, rec := range records {
		if k, _ := run.KeyOf(rec.Event); k.Step != "" {
			m[k] = append(m[k], rec)
		}
	}
	return m
}

// name is a cell's number and title, with its place: "3.2 Stop the tablet on
// tablet-2". It is not marked up.
func name(r *run.Run, k run.Key) string {
	c := r.Cell(k)
	if c == nil {
		return line(k.String())
	}
	title := stepName(r, c.Plan.Step) + at(k.Target)
	if key := instanceKey(r, c); !strings.Contains(title, key) {
		title += " for " + line(key)
	}
	return title
}

func stepName(r *run.Run, s *plan.Step) string {
	return s.Number + " " + line(r.TextIn(s.Scope, s.Title))
}

// standing is where an open run stands: the cell, and what it waits for.
func standing(r *run.Run) (*run.Cell, run.Wait) {
	switch d := run.Next(r).(type) {
	case run.Ask:
		return d.Cell, d.Wait
	case run.Follow:
		return d.Cell, run.WaitNothing
	case run.Settle:
		return d.Cell, run.WaitUnknown
	case run.Verify:
		return d.Cell, run.WaitNothing
	case run.Undo:
		return d.Cell, run.WaitNothing
	case run.End:
		return d.Cell, run.WaitNothing
	case run.Decide:
		return d.Cell, run.WaitGo
	case run.Take:
		return d.Cell, run.WaitNothing
	case run.Repeat:
		return d.Cell, run.WaitNothing
	case run.Over:
		return nil, run.WaitClosed
	case run.Enter:
		return entered(r, d), run.WaitGo
	case run.Order, run.Halt, run.Close:
	}
	return nil, run.WaitGo
}

// entered is the first cell of the instances that a walk goes on with.
func entered(r *run.Run, d run.Enter) *run.Cell {
	for i, key := range d.Walk.Keys {
		if len(d.Keys) == 0 || key != d.Keys[0] {
			continue
		}
		for _, c := range walked(r, d.Walk.Instances[i]) {
			if !c.Status.Settled() {
				return c
			}
		}
	}
	return nil
}

// waits says what a run waits for, in words.
func waits(r *run.Run, c *run.Cell, w run.Wait) string {
	switch w {
	case run.WaitGate:
		if c != nil && c.Gate != nil {
			return "its gate is open; the phrase " + quoted(c.Gate.Phrase) + " opens it"
		}
		return "its gate"
	case run.WaitManual:
		return "a person does it and ticks it"
	case run.WaitFailure:
		return "a person decides what becomes of it (" + word(c.Status) + ")"
	case run.WaitUnknown:
		return "it is not known what became of its command"
	case run.WaitAsk:
		return "a person answers its question"
	case run.WaitBatch:
		return "the canary is through; a person says whether the rest goes on"
	case run.WaitUndo:
		return "a person looks at its rollback before it runs; " + count(len(r.Undoing), "rollback") + " to go"
	case run.WaitMonitor:
		return "a person acknowledges, with a reason, what was red: " + held(r)
	case run.WaitPaused:
		return "the run is paused"
	case run.WaitClosed:
		return "nothing; the run is closed: " + string(r.Closed)
	case run.WaitNothing:
		return "its command is under way"
	case run.WaitGo:
	}
	return "it is ready to go"
}

func quoted(s string) string { return `"` + line(s) + `"` }

// tally counts cells by status, in the order of the statuses.
func tally(r *run.Run) (out []statusCount) {
	n := map[run.Status]int{}
	for _, c := range r.Cells {
		n[c.Status]++
	}
	for s := run.Pending; s <= run.Excluded; s++ {
		if n[s] > 0 {
			out = append(out, statusCount{s, n[s]})
		}
	}
	return out
}

type statusCount struct {
	Status run.Status `json:"status"`
	Cells  int        `json:"cells"`
}
