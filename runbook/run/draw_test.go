package run

import (
	"slices"

	"pgregory.net/rapid"

	"stepgate/checks"
	"stepgate/runbook/plan"
)

// oneIn is true once in n draws. (Ranges of integers favour small ones.)
func oneIn(t *rapid.T, n int, what string) bool {
	odds := make([]bool, n)
	odds[n-1] = true
	return rapid.SampledFrom(odds).Draw(t, what)
}

// drawn is what an event is made from.
type drawn struct {
	w       *world
	c       *Cell
	attempt string
	verdict checks.Verdict
	yes     bool
	odd     bool // something about it is wrong
	why     string
	pick    func(what string, from ...string) string
}

// walk is the innermost walk around the cell drawn, and the key of an instance:
// the cell's, at times another.
func (d drawn) walk() (*plan.Walk, string) {
	w, key := d.w.r.Instance(d.c)
	if w != nil && d.odd {
		key = w.Keys[len(d.why)%len(w.Keys)]
	}
	return w, key
}

func drawEvent(t *rapid.T, w *world) Event {
	d := drawn{w: w, c: rapid.SampledFrom(slices.Collect(w.r.All())).Draw(t, "cell")}
	if cur, _ := current(w.r); cur != nil && !oneIn(t, 5, "elsewhere") {
		d.c = cur
	}
	d.odd = oneIn(t, 10, "odd")
	d.attempt = attemptOf(d.c)
	if d.odd && oneIn(t, 3, "other attempt") {
		d.attempt = "0000"
	}
	d.verdict = rapid.SampledFrom([]checks.Verdict{checks.Pass, checks.Pass, checks.Fail, checks.Unknown}).Draw(t, "verdict")
	d.yes = rapid.Bool().Draw(t, "yes")
	d.why = rapid.SampledFrom([]string{"link lost", "check", "precondition", "exit", "crashed", ""}).Draw(t, "why")
	d.pick = func(what string, from ...string) string { return rapid.SampledFrom(from).Draw(t, what) }
	kinds := append(slices.Clone(likely[d.c.Status]), rapid.SampledFrom(beside).Draw(t, "beside"))
	if oneIn(t, 4, "anything") {
		kinds = slices.Sorted(func(yield func(string) bool) {
			for _, of := range []map[string]func(drawn) Event{makers, besideMakers} {
				for k := range of {
					if !yield(k) {
						return
					}
				}
			}
		})
	}
	kind := rapid.SampledFrom(kinds).Draw(t, "event")
	if make := besideMakers[kind]; make != nil {
		return make(d)
	}
	return makers[kind](d)
}

// beside is what mostly goes on beside the cells.
var beside = []string{"sample", "turn", "ack", "ack", "up", "up", "down", "keep"}

// likely is what mostly happens to a cell.
var likely = map[Status][]string{
	Pending:        {"before", "already", "gate", "gate", "send", "send", "send", "when", "watch", "watch", "tick", "enter", "enter", "answer", "answer", "stop after", "call", "exclude"},
	Gated:          {"before", "grant", "grant", "grant", "close"},
	Authorised:     {"send", "send", "send", "tick", "watch", "before"},
	Running:        {"outcome", "outcome", "up", "up", "down", "interrupted", "after", "after", "back", "not back", "lease"},
	Succeeded:      {"ask back", "plan undo", "enter", "lease", "rerun", "again"},
	Failed:         {"edit", "edit", "jump", "adhoc", "retry", "rerun", "ask back", "ask back", "resolve", "evidence", "skip", "back", "not back", "plan undo", "plan undo", "exclude", "order", "stop after", "call"},
	Unknown:        {"probe", "probe", "reattach", "outcome", "resolve", "resolve", "evidence", "after", "retry", "rerun", "ask back", "skip", "lease", "back", "not back"},
	Skipped:        {"lease", "again", "rerun"},
	NotApplicable:  {"lease", "again"},
	RollingBack:    {"send back", "send back", "outcome", "interrupted", "undo before", "undo after", "undo after", "back", "not back", "not sent", "lease"},
	RolledBack:     {"edit", "rerun", "rerun", "skip", "retry", "exclude"},
	RollbackFailed: {"ask back", "rerun", "resolve", "skip", "retry", "exclude", "back", "not back"},
	Excluded:       {"include", "include", "lease"},
}

func phase(p Phase) func(drawn) Event {
	return func(d drawn) Event { return taken(d.c, p, d.verdict) }
}

var makers = map[string]func(d drawn) Event{
	"before": phase(Before), "after": phase(After), "evidence": phase(Evidence),
	"undo before": phase(RollbackBefore), "undo after": phase(RollbackAfter), "no phase": phase("other"),
	"when": func(d drawn) Event { return WhenDecided{Cell: d.c.Key, Applies: d.yes} },
	"gate": func(d drawn) Event { return d.w.gate(d.c) },
	"grant": func(d drawn) Event {
		g := d.w.grant(d.c)
		switch {
		case d.odd && d.yes:
			g.Pre = "stepgate run --approve"
		case d.odd:
			g.Typed += "x"
		}
		return g
	},
	"close": func(d drawn) Event {
		return GateClosed{Cell: d.c.Key, Gate: d.w.grant(d.c).Gate, Void: d.yes, Why: d.why}
	},
	"send": func(d drawn) Event {
		if d.c.Plan.Step.Kind != plan.Run {
			return Retried{Cell: d.c.Key}
		}
		e := d.w.intent(d.c, RoleCommand)
		switch {
		case d.odd && d.yes:
			e.Dispatch.Body += " --force"
		case d.odd:
			e.Gate = "g0"
		}
		return e
	},
	"tick": func(d drawn) Event { return ManualDone{Cell: d.c.Key, Gate: d.w.grant(d.c).Gate, Evidence: d.why} },
	"send back": func(d drawn) Event {
		if d.c.Plan.Step.Book.Rollback == nil {
			return RollbackRequested{Cell: d.c.Key}
		}
		return d.w.intent(d.c, RoleRollback)
	},
	"ask back":    func(d drawn) Event { return RollbackRequested{Cell: d.c.Key} },
	"not sent":    func(d drawn) Event { return NotDispatched{Cell: d.c.Key, Why: "refused"} },
	"interrupted": func(d drawn) Event { return Interrupted{Cell: d.c.Key, Attempt: d.attempt, Why: d.why} },
	"probe": func(d drawn) Event {
		fate := d.pick("fate", "never started", "finished", "running", "orphan", "died", "rebooted")
		return Probed{Cell: d.c.Key, Attempt: d.attempt, Fate: fate}
	},
	"reattach": func(d drawn) Event { return Reattached{Cell: d.c.Key, Attempt: d.attempt} },
	"outcome":  func(d drawn) Event { return Outcome{Cell: d.c.Key, Attempt: d.attempt, Verdict: d.verdict} },
	"back": func(d drawn) Event {
		id := Identity{MachineID: "m", BootID: d.pick("boot", "b1", "b2")}
		if d.odd {
			id.MachineID = "another"
		}
		return Returned{Cell: d.c.Key, Attempt: d.attempt, Host: id}
	},
	"not back": func(d drawn) Event {
		return NotReturned{Cell: d.c.Key, Attempt: d.attempt, Stayed: d.yes, Why: d.why}
	},
	"resolve": func(d drawn) Event {
		m := Method(d.pick("method", string(ByOperator), string(ByProbe), string(ByCheck), "guess"))
		return OutcomeResolved{Cell: d.c.Key, Attempt: d.attempt, Succeeded: d.yes, Method: m, Reason: d.why}
	},
	"skip":  func(d drawn) Event { return CellSkipped{Cell: d.c.Key, Reason: d.why} },
	"retry": func(d drawn) Event { return Retried{Cell: d.c.Key} },
	"rerun": func(d drawn) Event {
		e := RerunOverride{Cell: d.c.Key, Typed: d.c.RerunPhrase()}
		if d.odd {
			e.Typed = "rerun"
		}
		return e
	},
	"edit": func(d drawn) Event {
		body := d.pick("text", "do it otherwise\n", "do it in another way\n", "", "do \u202e it\n")
		if e, err := d.w.r.Edited(d.c, body); err == nil && !d.odd {
			return e
		}
		return Edited{Cell: d.c.Key, Body: body, Was: "do\n"}
	},
	"adhoc": func(d drawn) Event {
		e, err := d.w.r.AdHocAsked(AdHoc{
			Where: d.pick("where", plan.Local, "a", "b", "nowhere"), Body: d.pick("command", "df", "rm -rf /x", ""), TTY: d.yes,
		})
		if err == nil && d.odd {
			e.Cell.Step = "adhoc/7"
		}
		return e
	},
	"jump": func(d drawn) Event {
		to := d.w.r.Cells[len(d.w.r.Cells)-1-len(d.why)%len(d.w.r.Cells)]
		e := d.w.r.LeapTo(to.Key).Jumped(to.Key, d.why)
		if d.odd {
			e.Over = append(e.Over, to.Key)
		}
		return e
	},
	"again":   func(d drawn) Event { return Retried{Cell: d.c.Key} },
	"nowhere": func(d drawn) Event { return Retried{Cell: Key{Step: "nowhere", Target: d.c.Key.Target}} },
	"order": func(d drawn) Event {
		w, key := d.walk()
		if w == nil {
			return WalkOrdered{Walk: "nowhere"}
		}
		switch {
		case d.odd:
			return WalkOrdered{Walk: w.ID, Hosts: w.Keys[1:]}
		case d.yes:
			return WalkOrdered{Walk: w.ID, Hosts: d.w.r.Postponed(w, key), Why: d.why}
		}
		keys := slices.Clone(w.Keys)
		slices.Reverse(keys)
		return WalkOrdered{Walk: w.ID, Hosts: keys}
	},
	"enter": func(d drawn) Event {
		switch n := Next(d.w.r).(type) {
		case Enter:
			return BatchEntered{Walk: n.Walk.ID, Hosts: n.Keys}
		case Ask:
			if n.Wait == WaitBatch {
				return BatchEntered{Walk: n.Walk.ID, Hosts: n.Keys}
			}
		}
		w, key := d.walk()
		if w == nil {
			return BatchEntered{Walk: "nowhere"}
		}
		return BatchEntered{Walk: w.ID, Hosts: []string{key}}
	},
	"exclude": func(d drawn) Event {
		w, key := d.walk()
		if w == nil {
			return InstanceExcluded{Walk: "nowhere", Reason: "broken"}
		}
		return InstanceExcluded{Walk: w.ID, Instance: key, Reason: d.why}
	},
	"include": func(d drawn) Event {
		w, key := d.walk()
		if w == nil {
			return InstanceIncluded{Walk: "nowhere"}
		}
		return InstanceIncluded{Walk: w.ID, Instance: key}
	},
	"answer": func(d drawn) Event {
		name := "none"
		if q := d.c.Plan.Step.Book.Question; q != nil {
			name = q.Param.Name
		}
		return Asked{Cell: d.c.Key, Name: name, Value: d.pick("answer", "7", "12", "many"), Repeated: d.yes}
	},
	"stop after": func(d drawn) Event {
		paths := append(d.w.r.Finishable(d.c), "", "nowhere")
		return StopRequested{After: d.pick("after", paths...)}
	},
	"plan undo": func(d drawn) Event {
		reaches := d.w.r.RollBacks(d.c)
		r := reaches[len(d.why)%len(reaches)]
		if d.odd {
			slices.Reverse(r.Cells)
		}
		return RollbackPlanned{Scope: r.Scope, Cells: r.Cells}
	},
	"call":     func(d drawn) Event { return Called{Cell: d.c.Key} },
	"already":  phase(Already),
	"lease":    func(drawn) Event { return LeaseTaken{Holder: "me"} },
	"release":  func(drawn) Event { return LeaseReleased{Why: "left"} },
	"pause":    func(drawn) Event { return Paused{} },
	"continue": func(drawn) Event { return Continued{} },
	"note":     func(d drawn) Event { return Note{Cell: d.c.Key, Text: "n"} },
	"start":    func(drawn) Event { return RunStarted{} },
	"end":      func(d drawn) Event { return RunClosed{How: Closing(d.pick("how", "done", "done", "", "aborted"))} },
}
