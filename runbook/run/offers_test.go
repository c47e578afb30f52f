package run

import (
	"slices"

	"pgregory.net/rapid"

	"stepgate/checks"
	"stepgate/runbook/plan"
)

// offers: what the run says an operator may do, it accepts.
func offers(t *rapid.T, w *world) {
	ask, ok := Next(w.r).(Ask)
	if !ok || ask.Cell == nil {
		return
	}
	for _, a := range w.r.Actions(ask.Cell, ask.Wait, false) {
		if !a.OK() || a.Says == "" {
			continue
		}
		try := &world{w.p, w.r, slices.Clone(w.records), w.now, w.epoch, w.gates}
		for _, e := range follow(try, ask.Cell, a) {
			if err := try.add(e(try.r.Cell(ask.Cell.Key))); err != nil {
				t.Fatalf("%q is offered for %s (%s, %s), and then: %v", a.Verb, ask.Cell.Key, ask.Cell.Status, ask.Cell.Reason, err)
			}
		}
	}
	for _, a := range w.r.Actions(ask.Cell, ask.Wait, true) {
		if a.OK() && a.Verb != VerbStopNow && a.Verb != VerbNote && a.Verb != VerbContinue {
			t.Fatalf("%q is offered while something is going on", a.Verb)
		}
	}
}

// goesOn: what the run says is next, it accepts.
func goesOn(t *rapid.T, w *world) {
	var e Event
	switch d := Next(w.r).(type) {
	case Order:
		e = WalkOrdered{Walk: d.Walk.ID, Hosts: d.Walk.Keys}
	case Decide:
		e = WhenDecided{Cell: d.Cell.Key}
	case Settle:
		e = Probed{Cell: d.Cell.Key, Attempt: attemptOf(d.Cell), Fate: "died"}
	case Follow:
		e = Outcome{Cell: d.Cell.Key, Attempt: attemptOf(d.Cell)}
	case Verify:
		e = taken(d.Cell, map[bool]Phase{true: RollbackAfter, false: After}[d.Cell.Status == RollingBack], checks.Unknown)
	case Undo:
		e = w.intent(d.Cell, RoleRollback)
	case Close:
		e = RunClosed{How: d.How}
	case Ask, Over:
		return
	}
	try := &world{w.p, w.r, slices.Clone(w.records), w.now, w.epoch, w.gates}
	if err := try.add(e); err != nil {
		t.Fatalf("%T is next, and then: %v", Next(w.r), err)
	}
}

type step = func(c *Cell) Event

// follow is the events that an action leads to.
func follow(w *world, c *Cell, a Availability) []step {
	just := func(e Event) []step { return []step{func(*Cell) Event { return e }} }
	switch a.Verb {
	case VerbGo:
		return advance(w)
	case VerbAnswer:
		out := []step{func(c *Cell) Event { return taken(c, Before, checks.Pass) }, func(c *Cell) Event { return w.grant(c) }}
		if c.Status == Authorised { // transient: a grant is journaled together with what it opens
			return nil
		}
		return append(out, func(c *Cell) Event {
			if c.Plan.Step.Kind == plan.Run {
				return w.intent(c, RoleCommand)
			}
			return ManualDone{Cell: c.Key, Gate: c.Grant.Gate}
		})
	case VerbRetry:
		if c.NeedsRerun() {
			return append(just(RerunOverride{Cell: c.Key, Typed: a.Phrase}), advance(w)...)
		}
		return append(just(Retried{Cell: c.Key}), advance(w)...)
	case VerbSkip:
		return just(CellSkipped{Cell: c.Key, Reason: "r"})
	case VerbMarkDone:
		if c.Status == Pending {
			return just(ManualDone{Cell: c.Key, Evidence: "e"})
		}
		return just(OutcomeResolved{Cell: c.Key, Attempt: attemptOf(c), Succeeded: true, Method: ByOperator, Reason: "e"})
	case VerbMarkFailed:
		return just(OutcomeResolved{Cell: c.Key, Attempt: attemptOf(c), Method: ByOperator, Reason: "e"})
	case VerbProbe:
		switch last := c.Latest(); {
		case last.Outcome == nil:
			return just(Probed{Cell: c.Key, Attempt: attemptOf(c), Fate: "died"})
		case c.Verifiable():
			return just(taken(c, c.afterPhase(), checks.Pass))
		}
		return just(taken(c, Evidence, checks.Pass))
	case VerbRollBack:
		return append(just(RollbackRequested{Cell: c.Key}), func(c *Cell) Event { return w.intent(c, RoleRollback) })
	case VerbPause:
		return just(Paused{})
	case VerbContinue:
		return just(Continued{})
	case VerbAbort:
		return just(RunClosed{How: Aborted})
	case VerbNote:
		return just(Note{Cell: c.Key, Text: "n"})
	case VerbStopNow: // no event of its own
	}
	return nil
}

// advance is what happens to a pending cell that goes ahead.
func advance(w *world) []step {
	return []step{
		func(c *Cell) Event {
			if len(c.Fences(Before)) > 0 {
				return taken(c, Before, checks.Pass)
			}
			return Note{Text: "no precondition"}
		},
		func(c *Cell) Event {
			switch {
			case c.Plan.Step.Kind == plan.Check:
				return Note{Text: "done"}
			case c.Plan.Step.Kind == plan.Manual && !c.needsGate():
				return ManualDone{Cell: c.Key}
			case c.needsGate():
				return w.gate(c)
			}
			return w.intent(c, RoleCommand)
		},
	}
}
