package tui

import (
	"fmt"
	"strings"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/stepview"
	"stepgate/tui/wording"
)

// canary tells what the first instances of a walk have shown, how long they have
// to soak yet, and what comes next.
func (a *app) canary(w int) []string {
	t, r := a.theme, a.snap.Run
	ask, ok := run.Next(r).(run.Ask)
	if !ok || ask.Walk == nil {
		return nil
	}
	var out []string
	if left := wording.SoakLeft(a.snap, a.now); left > 0 {
		out = wrapped(t.Live, fmt.Sprintf("It has to soak for %s yet, until %s.", text.Duration(left), a.snap.Soak.Format(time.TimeOnly)), w)
	} else {
		out = wrapped(t.Good, "It has soaked. The rest goes on when you say so.", w)
	}
	next := make([]string, len(ask.Keys))
	for i, k := range ask.Keys {
		next[i] = wording.Line(k)
	}
	entered, rest := wording.Entered(r, ask.Walk)
	after := max(rest-len(next), 0)
	line := "Next: " + strings.Join(next, ", ")
	if after > 0 {
		line += fmt.Sprintf(", and %d after that", after)
	}
	out = append(out, wrapped(t.Text, line, w)...)
	for _, n := range entered {
		out = append(out, "")
		out = append(out, a.instance(n, w)...)
	}
	return out
}

// instance tells what the steps of an instance have shown.
func (a *app) instance(n plan.Node, w int) []string {
	t, r := a.theme, a.snap.Run
	cells := wording.Below(r, n)
	if len(cells) == 0 {
		return nil
	}
	out := []string{t.Strong.Render(wording.Line(wording.InstanceOf(plan.ScopeOf(n))))}
	for _, c := range cells {
		mark := wording.Mark(c.Status)
		line := t.Draw(mark) + " " + t.Text.Render(wording.Name(r, c.Plan.Step)) + "  " + t.Muted.Render(wording.Status(c.Status))
		if took := wording.Took(c); took > 0 {
			line += t.Muted.Render(" in " + text.Duration(took))
		}
		out = append(out, pane.Cut(line, w, t.Glyph.Ellipsis))
		for _, p := range []run.Phase{run.Before, run.After} {
			taken := c.Checks[p]
			if taken == nil || p == run.Before && c.Plan.Step.Kind != plan.Check {
				continue
			}
			for _, res := range taken.Checks {
				out = append(out, pane.Indent(stepview.Result(t, wording.Label(c.Plan.Step, p), "", c.Fences(p), res, w-2), "  ")...)
			}
		}
	}
	return out
}

// preview shows the next rollback of several, byte for byte, and what stands
// behind it.
func (a *app) preview(c *run.Cell, w int) []string {
	t, r := a.theme, a.snap.Run
	d, err := r.Dispatch(c, run.RoleRollback)
	if err != nil {
		return wrapped(t.Bad, wording.Line(err.Error()), w)
	}
	var out []string
	if left := r.Undoing; len(left) > 1 {
		out = wrapped(t.Muted, fmt.Sprintf("%d are to be rolled back, the latest first; this is the next one.", len(left)), w)
	} else {
		out = wrapped(t.Muted, "This is the last one to be rolled back.", w)
	}
	out = append(out, t.Strong.Render("This runs:"))
	out = append(out, stepview.Dispatch(t, &d, w)...)
	out = append(out, stepview.Behind(t, &d, w)...)
	if l := c.Attempt(run.RoleCommand); l != nil {
		out = append(out, "", t.Muted.Render(fmt.Sprintf("It undoes (attempt %d, begun %s):", l.Intent.No, l.At.Format(time.TimeOnly))))
		out = append(out, stepview.Dispatch(t, &l.Intent.Dispatch, w)...)
	}
	for i, k := range r.Undoing {
		cell := r.Cell(k)
		if i == 0 || cell == nil {
			continue
		}
		if i == 1 {
			out = append(out, "", t.Muted.Render("After it:"))
		}
		out = append(out, pane.Cut("  "+wording.Among(r, cell), w, t.Glyph.Ellipsis))
	}
	return out
}
