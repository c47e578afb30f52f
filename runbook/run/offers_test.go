package run

import (
	"fmt"
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
	for _, a := range w.r.Offers(ask, false, w.now) {
		if !a.OK() || a.Says == "" {
			continue
		}
		try := w.copy()
		for _, e := range follow(try, ask, a) {
			if err := try.add(e(try.r.Cell(ask.Cell.Key))); err != nil {
				t.Fatalf("%q is offered for %s (%s, %s), and then: %v", a.Verb, ask.Cell.Key, ask.Cell.Status, ask.Cell.Reason, err)
			}
		}
	}
	for _, a := range w.r.Offers(ask, true, w.now) {
		if a.OK() && a.Verb != VerbStopNow && a.Verb != VerbNote && a.Verb != VerbContinue && a.Verb != VerbFinish {
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
	case Enter:
		e = BatchEntered{Walk: d.Walk.ID, Hosts: d.Keys}
	case Take:
		e = taken(d.Cell, Before, checks.Fail)
	case Repeat:
		e = Asked{Cell: d.Cell.Key, Name: d.Cell.Plan.Step.Book.Question.Param.Name, Value: d.Value, Repeated: true}
	case Halt:
		e = Paused{Why: d.After}
	case Decide:
		e = WhenDecided{Cell: d.Cell.Key}
	case Settle:
		e = Probed{Cell: d.Cell.Key, Attempt: attemptOf(d.Cell), Fate: "died"}
	case Follow:
		if e = (Outcome{Cell: d.Cell.Key, Attempt: attemptOf(d.Cell)}); d.Cell.Starting() {
			e = BackgroundUp{Cell: d.Cell.Key, Attempt: attemptOf(d.Cell)}
		}
	case End:
		e = w.downOf(d.Cell, true)
	case Await:
		e = NotReturned{Cell: d.Cell.Key, Attempt: attemptOf(d.Cell), Why: "too late"}
	case Verify:
		e = taken(d.Cell, map[bool]Phase{true: RollbackAfter, false: After}[d.Cell.Status == RollingBack], checks.Unknown)
	case Undo:
		e = w.intent(d.Cell, RoleRollback)
	case Close:
		e = RunClosed{How: d.How}
	case Ask, Over:
		return
	}
	try := w.copy()
	if err := try.add(e); err != nil {
		t.Fatalf("%T is next, and then: %v", Next(w.r), err)
	}
}

type step = func(c *Cell) Event

// ends is that the process of a cell has ended, where one is to.
func (w *world) ends(c *Cell) Event {
	if c.lingers() {
		return w.downOf(c, true)
	}
	return Note{Text: "nothing lingers"}
}

// follow is the events that an action leads to.
func follow(w *world, ask Ask, a Availability) []step {
	c := ask.Cell
	just := func(e Event) []step { return []step{func(*Cell) Event { return e }} }
	switch a.Verb {
	case VerbGo:
		switch {
		case ask.Wait == WaitBatch:
			return just(BatchEntered{Walk: ask.Walk.ID, Hosts: ask.Keys})
		case ask.Wait == WaitUndo:
			return append(just(RollbackRequested{Cell: c.Key}), w.ends, func(c *Cell) Event { return w.intent(c, RoleRollback) })
		}
		return advance(w)
	case VerbAnswer:
		if w.r.Outdated(c) {
			return just(GateClosed{Cell: c.Key, Gate: c.Gate.Gate, Void: true, Why: "it has changed"})
		}
		out := []step{
			func(c *Cell) Event {
				if c.AdHoc != nil {
					return Note{Text: "it has no preconditions"}
				}
				return taken(c, Before, checks.Pass)
			},
			func(c *Cell) Event { return w.grant(c) },
		}
		if c.Status == Authorised { // transient: a grant is journaled together with what it opens
			return nil
		}
		return append(out, func(c *Cell) Event {
			if c.Plan.Step.Kind == plan.Run {
				return w.intent(c, RoleCommand)
			}
			if c.Plan.Step.Kind == plan.Watch {
				return WatchBegun{Cell: c.Key, Gate: c.Grant.Gate}
			}
			return ManualDone{Cell: c.Key, Gate: c.Grant.Gate}
		})
	case VerbRetry:
		if c.NeedsRerun() {
			return append(just(RerunOverride{Cell: c.Key, Typed: a.Phrase}), advance(w)...)
		}
		return append(just(Retried{Cell: c.Key}), advance(w)...)
	case VerbSkip:
		if ask.Wait == WaitUndo {
			return just(RollbackPlanned{Scope: RollbackSection, Cells: w.r.Undoing[1:]})
		}
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
	default:
		return followRun(w, c, a.Verb)
	}
}

// followRun is [follow] for what is about more than the cell.
func followRun(w *world, c *Cell, v Verb) []step {
	just := func(e Event) []step { return []step{func(*Cell) Event { return e }} }
	switch v {
	case VerbReply:
		return just(Asked{Cell: c.Key, Name: c.Plan.Step.Book.Question.Param.Name, Value: "7"})
	case VerbExclude:
		walk, key := w.r.Instance(c)
		return just(InstanceExcluded{Walk: walk.ID, Instance: key, Reason: "r"})
	case VerbInclude:
		return just(InstanceIncluded(w.r.Includable()[0]))
	case VerbPostpone:
		walk, key := w.r.Instance(c)
		return just(WalkOrdered{Walk: walk.ID, Hosts: w.r.Postponed(walk, key), Why: "later"})
	case VerbFinish:
		return just(StopRequested{After: w.r.Finishable(c)[0]})
	case VerbCall:
		return just(Called{Cell: w.r.Callable()[0].Key})
	case VerbPause:
		return just(Paused{})
	case VerbEdit, VerbAdHoc, VerbJump, VerbAgain:
		return followOffBook(w, c, v)
	case VerbContinue:
		return just(Continued{})
	case VerbAbort:
		return just(RunClosed{How: Aborted})
	case VerbAcknowledge:
		return just(w.ack())
	case VerbNote:
		return just(Note{Cell: c.Key, Text: "n"})
	case VerbRollBack:
		for _, r := range w.r.RollBacks(c) {
			if r.Why == "" && r.Scope != RollbackStep {
				return just(RollbackPlanned{Scope: r.Scope, Cells: r.Cells})
			}
			if r.Why == "" {
				return append(just(RollbackRequested{Cell: c.Key}), w.ends, func(c *Cell) Event { return w.intent(c, RoleRollback) })
			}
		}
		panic("a rollback is offered, and no reach has one")
	default: // no event of its own
	}
	return nil
}

// followOffBook is [follow] for what leaves the runbook.
func followOffBook(w *world, c *Cell, v Verb) []step {
	just := func(e Event) []step { return []step{func(*Cell) Event { return e }} }
	switch v {
	case VerbEdit:
		e, err := w.r.Edited(c, fmt.Sprintf("do it for the %dth time\n", w.r.Seq))
		if err != nil {
			panic(err)
		}
		var again Event = Retried{Cell: c.Key}
		if c.NeedsRerun() {
			again = RerunOverride{Cell: c.Key, Typed: c.RerunPhrase()}
		}
		return append(append(just(e), just(again)...), advance(w)...)
	case VerbAdHoc:
		e, err := w.r.AdHocAsked(AdHoc{Where: "a", Body: []string{"df", "rm -rf /x"}[w.r.Seq%2]})
		if err != nil {
			panic(err)
		}
		own := func(s step) step { return func(*Cell) Event { return s(w.r.Cell(e.Cell)) } }
		out := just(e)
		for _, s := range advance(w) {
			out = append(out, own(s))
		}
		return out
	case VerbJump:
		for _, to := range slices.Backward(w.r.Cells) {
			if l := w.r.LeapTo(to.Key); l.Why == "" {
				return just(l.Jumped(to.Key, "r"))
			}
		}
	case VerbAgain:
		if all := w.r.Repeatables(); len(all) > 0 {
			o := all[int(w.r.Seq)%len(all)]
			if a := w.r.Repeatable(o); a.Phrase != "" {
				return just(RerunOverride{Cell: o.Key, Typed: a.Phrase})
			}
			return just(Retried{Cell: o.Key})
		}
	default: // is followed elsewhere
	}
	return just(Note{Text: "nothing to jump to, or to do again"})
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
		w.ends,
		func(c *Cell) Event {
			switch {
			case w.r.heldAt(c) != "" && !c.needsGate():
				return Note{Text: "a monitor holds it"}
			case c.Plan.Step.Kind == plan.Watch && !c.needsGate():
				return WatchBegun{Cell: c.Key}
			case c.Plan.Step.Kind == plan.Check || c.Plan.Step.Kind == plan.Ask:
				return Note{Text: "done, or asked"}
			case c.Plan.Step.Kind == plan.Manual && !c.needsGate():
				return ManualDone{Cell: c.Key}
			case c.needsGate():
				return w.gate(c)
			}
			return w.intent(c, RoleCommand)
		},
	}
}
