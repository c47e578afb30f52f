package tui

import (
	"slices"
	"strings"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/menu"
	"stepgate/tui/wording"
)

// remedies are the actions of the failure dialog, in the order of the menu.
var remedies = []keys.ID{
	keys.Call, keys.Retry, keys.Edit, keys.UndoRetry, keys.RollBack, keys.Done, keys.Skip, keys.Probe, keys.Failed,
	keys.Exclude, keys.Postpone, keys.Include, keys.AdHoc, keys.Shell, keys.Finish, keys.Pause, keys.Note, keys.Abort,
}

// menus are what can be done, by what the run waits for.
var menus = map[run.Wait][]keys.ID{
	run.WaitFailure: remedies,
	run.WaitUnknown: remedies,
	run.WaitBatch:   {keys.Onward, keys.Call, keys.Include, keys.AdHoc, keys.Shell, keys.Finish, keys.Pause, keys.Note, keys.Abort},
	run.WaitMonitor: {keys.Acknowledge, keys.Call, keys.Monitors, keys.AdHoc, keys.Shell, keys.Finish, keys.Pause, keys.Note, keys.Abort},
	run.WaitUndo:    {keys.Yes, keys.Skip, keys.Call, keys.AdHoc, keys.Shell, keys.Pause, keys.Note, keys.Abort},
}

// The headings of the menu, where there is room for them. What is most likely wanted
// stands first, whatever it is about.
const (
	likeliest = "Most likely"
	aboutStep = "This step"
	aboutWalk = "Its place in the walk"
	aboutHost = "On a host"
	aboutRun  = "The run"
)

var groups = map[keys.ID]string{
	keys.Acknowledge: aboutRun, keys.Monitors: aboutRun, keys.Onward: aboutRun, keys.Yes: aboutStep, keys.Call: aboutStep, keys.Retry: aboutStep, keys.Edit: aboutStep,
	keys.UndoRetry: aboutStep, keys.RollBack: aboutStep, keys.Done: aboutStep, keys.Skip: aboutStep, keys.Probe: aboutStep,
	keys.Failed: aboutStep, keys.Exclude: aboutWalk, keys.Postpone: aboutWalk, keys.Include: aboutWalk,
	keys.AdHoc: aboutHost, keys.Shell: aboutHost, keys.Finish: aboutRun, keys.Pause: aboutRun, keys.Note: aboutRun, keys.Abort: aboutRun,
}

// likely is how many remedies stand first.
const likely = 3

// wanted are the remedies that are tried first for what has happened, best first.
func wanted(r *run.Run, c *run.Cell) []keys.ID {
	var first []keys.ID
	if slices.ContainsFunc(r.Callable(), func(o *run.Cell) bool { return o.Key != c.Key }) {
		first = append(first, keys.Call)
	}
	if c.Overdue() || c.Verifiable() {
		first = append(first, keys.Probe) // to go on waiting, or to look once more, comes first
	}
	switch {
	case c.Status == run.Unknown && c.Reason != run.Precondition && c.Plan.Step.Kind != plan.Check:
		return append(first, keys.Probe, keys.Done, keys.Failed, keys.Retry)
	case c.Status == run.RolledBack:
		return append(first, keys.Retry, keys.Skip, keys.Pause)
	case c.Status == run.RollbackFailed:
		return append(first, keys.RollBack, keys.Shell, keys.Done)
	case c.Reason == run.NotStarted:
		return append(first, keys.Retry, keys.Postpone, keys.Exclude, keys.Skip)
	case c.Reason == run.CheckFailed && c.Plan.Step.Kind == plan.Run:
		return append(first, keys.Probe, keys.UndoRetry, keys.Retry, keys.Done)
	case c.Reason == run.ExitCode:
		return append(first, keys.Retry, keys.UndoRetry, keys.Edit, keys.Shell)
	}
	return append(first, keys.Retry, keys.Skip, keys.Done)
}

// entries are the lines of the menu for what the run stands at: those that are most
// likely wanted, then the others.
func (a *app) entries(at offer) (entries []menu.Entry, ids map[string]keys.ID) {
	ids = map[string]keys.ID{}
	add := func(id keys.ID, group string) {
		b := a.keys.Bound(keys.InStop, id)
		av := a.availability(id)
		e := menu.Entry{Key: b.Keys[0], Name: a.remedy(id), Says: wording.Line(av.Says), Why: wording.Line(av.Why), Group: group}
		if id == keys.Call {
			e.Says = a.offers()
		}
		ids[e.Key] = id
		entries = append(entries, e)
	}
	listed := slices.DeleteFunc(slices.Clone(menus[at.wait]), func(id keys.ID) bool { return a.beside(id, at.key) })
	var first []keys.ID
	if c := a.snap.Run.Cell(at.key); c != nil && (at.wait == run.WaitFailure || at.wait == run.WaitUnknown) {
		for _, id := range wanted(a.snap.Run, c) {
			if len(first) < likely && slices.Contains(listed, id) && !slices.Contains(first, id) && a.availability(id).OK() {
				first = append(first, id)
			}
		}
	}
	for _, id := range first {
		add(id, likeliest)
	}
	for _, id := range listed {
		if !slices.Contains(first, id) {
			add(id, groups[id])
		}
	}
	return entries, ids
}

// availability says whether a remedy applies now, and what it does.
func (a *app) availability(id keys.ID) run.Availability {
	if id == keys.UndoRetry {
		return a.canUndoRetry()
	}
	if id == keys.Monitors {
		return run.Availability{Says: "what they have shown, as a chart over time"}
	}
	av := a.action(a.keys.Bound(keys.InStop, id).Verb)
	switch id {
	case keys.Shell:
		av.Says = "open a shell on a host; what is typed there is not recorded"
	case keys.Yes:
		av.Says += ", once it has been read to its end"
	default:
	}
	return av
}

// action says whether an action applies now.
func (a *app) action(v run.Verb) run.Availability {
	if a.snap.Wait != run.WaitBatch || a.o.Watching {
		return a.snap.Action(v)
	}
	ask, ok := run.Next(a.snap.Run).(run.Ask)
	if !ok {
		return a.snap.Action(v)
	}
	now := *a.snap
	now.Actions = now.Run.Offers(ask, now.Busy != nil, a.now)
	return now.Action(v)
}

// beside reports an action that has no meaning for what the run stands at, and
// isn't worth a line that says so.
func (a *app) beside(id keys.ID, k run.Key) bool {
	c := a.snap.Run.Cell(k)
	switch id {
	case keys.Call:
		return len(a.snap.Always) == 0
	case keys.Include:
		return len(a.snap.Run.Includable()) == 0
	case keys.Exclude, keys.Postpone:
		w, _ := a.snap.Run.Instance(c)
		return w == nil
	case keys.Edit, keys.UndoRetry:
		return c.Plan.Step.Kind != plan.Run || id == keys.UndoRetry && c.Plan.Step.Book.Rollback == nil
	default:
		return false
	}
}

// remedy names an action where the run stands.
func (a *app) remedy(id keys.ID) string {
	switch {
	case id == keys.Yes:
		return "roll back"
	case id == keys.Monitors:
		return "look at them"
	case id == keys.Onward:
		return "go on"
	case id == keys.Skip && a.snap.Wait == run.WaitUndo:
		return "leave it"
	case id == keys.Shell:
		return "open a shell"
	case id == keys.AdHoc:
		return "run a command"
	case id == keys.UndoRetry:
		return "roll back, retry"
	}
	return wording.Remedy(a.keys.Bound(keys.InStop, id).Verb)
}

// offers names the steps that may be run out of their place.
func (a *app) offers() string {
	var names []string
	for _, k := range a.snap.Always {
		if c := a.snap.Run.Cell(k); c != nil {
			names = append(names, wording.Among(a.snap.Run, c))
		}
	}
	return strings.Join(names, "; ")
}
