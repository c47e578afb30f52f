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

func drawEvent(t *rapid.T, w *world) Event {
	d := drawn{w: w, c: rapid.SampledFrom(w.r.Cells).Draw(t, "cell")}
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
	kinds := likely[d.c.Status]
	if oneIn(t, 4, "anything") {
		kinds = slices.Sorted(func(yield func(string) bool) {
			for k := range makers {
				if !yield(k) {
					return
				}
			}
		})
	}
	return makers[rapid.SampledFrom(kinds).Draw(t, "event")](d)
}

// likely is what mostly happens to a cell.
var likely = map[Status][]string{
	Pending:        {"before", "gate", "gate", "send", "send", "send", "when", "tick"},
	Gated:          {"before", "grant", "grant", "grant", "close"},
	Authorised:     {"send", "send", "send", "tick", "before"},
	Running:        {"outcome", "outcome", "interrupted", "after", "after", "lease"},
	Succeeded:      {"ask back"},
	Failed:         {"retry", "rerun", "ask back", "ask back", "resolve", "evidence", "skip"},
	Unknown:        {"probe", "probe", "reattach", "outcome", "resolve", "resolve", "evidence", "after", "retry", "rerun", "ask back", "skip", "lease"},
	Skipped:        {"lease"},
	NotApplicable:  {"lease"},
	RollingBack:    {"send back", "send back", "outcome", "interrupted", "undo before", "undo after", "undo after", "not sent", "lease"},
	RolledBack:     {"rerun", "rerun", "skip", "retry"},
	RollbackFailed: {"ask back", "rerun", "resolve", "skip", "retry"},
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
		if d.odd {
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
	"nowhere": func(d drawn) Event { return Retried{Cell: Key{Step: "nowhere", Target: d.c.Key.Target}} },
	"order": func(d drawn) Event {
		hosts := map[bool][]string{true: {"b", "a"}, false: {"a"}}[d.yes]
		return WalkOrdered{Walk: "walk", Hosts: hosts}
	},
	"lease":    func(drawn) Event { return LeaseTaken{Holder: "me"} },
	"release":  func(drawn) Event { return LeaseReleased{Why: "left"} },
	"pause":    func(drawn) Event { return Paused{} },
	"continue": func(drawn) Event { return Continued{} },
	"note":     func(d drawn) Event { return Note{Cell: d.c.Key, Text: "n"} },
	"start":    func(drawn) Event { return RunStarted{} },
	"end":      func(d drawn) Event { return RunClosed{How: Closing(d.pick("how", "done", "done", "", "aborted"))} },
}
