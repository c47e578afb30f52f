package tui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/output"
	"stepgate/tui/pane"
	"stepgate/tui/stepview"
	"stepgate/tui/wording"
)

// showSelected points the step and output panes at the selected cell.
func (a *app) showSelected() {
	c := a.selected()
	if c == nil {
		a.stepKey = run.Key{}
		a.out.Reset("")
		return
	}
	if c.Key != a.stepKey {
		a.stepKey, a.step.Top = c.Key, 0
		a.outOf = run.Key{}
	}
	c = a.printing()
	if at := a.attempt(c); at != "" {
		if a.out.Source() != at {
			a.out.Reset(at)
			a.probed = ""
			if l := c.Latest(); l != nil && l.Intent.Dispatch.Form == "sql" {
				a.out.Rows()
			}
		}
		a.out.Grow(a.known(c, at))
		return
	}
	a.showChecks(c)
}

// printing returns the cell whose output is shown: the selected one or, while
// that waits to begin and has printed nothing, the one that did something last.
// What it printed is often read only when the run has gone on.
func (a *app) printing() *run.Cell {
	c := a.selected()
	if c != nil && a.outOf != (run.Key{}) {
		return a.snap.Run.Cell(a.outOf)
	}
	did := func(c *run.Cell) bool { return len(c.Attempts) > 0 || len(c.Checks) > 0 }
	if c == nil || a.snap.Busy != nil || c.Key != a.snap.Current || c.Status != run.Pending || did(c) {
		return c
	}
	last := c
	for _, o := range a.snap.Run.Cells {
		if did(o) && o.Seq > last.Seq {
			last = o
		}
	}
	return last
}

// attempt returns the attempt whose output is shown for a cell, or "".
func (a *app) attempt(c *run.Cell) string {
	if b := wording.Busy(a.snap, c.Key); b != nil {
		if b.Attempt != "" {
			return b.Attempt
		}
		if len(b.Looks) > 0 && b.Phase == run.Before {
			return ""
		}
	}
	if c.Status == run.Running || c.Status == run.Succeeded {
		if l := c.LatestStart("", ""); l != nil { // of a background command
			return l.Intent.Attempt
		}
	}
	if l := c.Latest(); l != nil && c.Status != run.Pending && c.Status != run.Gated {
		return l.Intent.Attempt
	}
	return ""
}

// known returns how many bytes each stream of an attempt has, as far as is
// known.
func (a *app) known(c *run.Cell, attempt string) [2]int64 {
	ends := a.out.Ends()
	if b := wording.Busy(a.snap, c.Key); b != nil && b.Attempt == attempt {
		for i := range ends {
			ends[i] = max(ends[i], b.Bytes[i])
		}
	}
	if l := c.Latest(); l != nil && l.Outcome != nil && l.Intent.Attempt == attempt {
		for i := range ends {
			ends[i] = max(ends[i], l.Outcome.Bytes[i])
		}
	}
	return ends
}

// showChecks shows what the latest checks of a cell printed: those being taken,
// else the last ones taken.
func (a *app) showChecks(c *run.Cell) {
	if b := wording.Busy(a.snap, c.Key); b != nil && len(b.Looks) > 0 {
		var rs []run.CheckResult
		id := "live " + c.Key.String()
		for _, l := range b.Looks {
			if l.Last.Tries > 0 {
				rs = append(rs, l.Last)
				id += fmt.Sprintf(" %d/%s/%d", l.Fence, l.Where, l.Last.Tries)
			}
		}
		a.static(id, c.Fences(b.Phase), rs)
		return
	}
	for _, p := range []run.Phase{run.Evidence, run.After, run.Before, run.Already} {
		if t := c.Checks[p]; t != nil {
			a.static(fmt.Sprintf("taken %s %s %d", c.Key, p, c.CheckedAt[p].UnixNano()), c.Fences(p), t.Checks)
			return
		}
	}
	a.out.Static("nothing "+c.Key.String(), "", "")
}

func (a *app) static(id string, fences []*runbook.Fence, rs []run.CheckResult) {
	if len(rs) == 1 {
		if g, ok := stepview.Grid(fences, rs[0]); ok {
			a.out.Table(id, g, ended(rs[0].Stderr))
			return
		}
	}
	var out, errs strings.Builder
	for _, r := range rs {
		if len(rs) > 1 && r.Stdout != "" {
			fmt.Fprintf(&out, "[check %d, %s]\n", r.Fence+1, wording.Place(r.Where))
		}
		if g, ok := stepview.Grid(fences, r); ok {
			iw, _ := pane.Inner(a.layout.out.w, a.layout.out.h)
			out.WriteString(strings.Join(g.Lines(max(iw, 20)), "\n") + "\n")
		} else {
			out.WriteString(ended(r.Stdout))
		}
		errs.WriteString(ended(r.Stderr))
	}
	a.out.Static(id, out.String(), errs.String())
}

func ended(s string) string {
	if s == "" || strings.HasSuffix(s, "\n") {
		return s
	}
	return s + "\n"
}

// read fetches output that is there and wanted, and goes on with a search in it.
func (a *app) read() tea.Cmd {
	c := a.printing()
	if c == nil {
		return nil
	}
	attempt := a.attempt(c)
	if attempt == "" || a.out.Source() != attempt {
		return nil
	}
	var cmds []tea.Cmd
	state := fmt.Sprintf("%s %d", attempt, c.Seq)
	if a.printsBeside() {
		state += a.now.Truncate(besidePace).String()
	}
	if a.probed != state {
		a.probed = state
		if l := c.Latest(); l == nil || l.Outcome == nil { // the lengths are not known from events
			cmds = append(cmds, a.fetch(a.out.Lengths()))
		}
	}
	if q, ok := a.out.Want(); ok {
		cmds = append(cmds, a.fetch(q))
	}
	return tea.Batch(append(cmds, a.scan())...)
}

// besidePace is how often it is asked for what a background process has printed.
const besidePace = time.Second

// printsBeside reports whether the output is that of a background process which runs:
// nothing tells when it prints.
func (a *app) printsBeside() bool {
	if a.snap == nil || len(a.snap.Keeping) == 0 || a.snap.ReadOnly != "" {
		return false
	}
	c := a.printing()
	if c == nil {
		return false
	}
	k := wording.Kept(a.snap, c.Key)
	return k != nil && k.State == "up" && a.attempt(c) == k.Attempt
}

func (a *app) fetch(q output.Request) tea.Cmd {
	src, ctx := a.src, a.ctx
	return func() tea.Msg {
		r, err := q.Read(ctx, src.Output)
		return outputMsg{q, r, err}
	}
}

func (a *app) printed(m outputMsg) tea.Cmd {
	if m.err != nil {
		if a.out.Failed(m.request) {
			a.say(fmt.Errorf("read output: %w", m.err))
		}
		return nil
	}
	if !a.out.Take(m.reply) {
		return a.scan() // what isn't here yet is asked for at the next change
	}
	return a.read()
}

// scan does the next piece of work of a search.
func (a *app) scan() tea.Cmd {
	s, ok := a.out.Scan()
	if !ok {
		return nil
	}
	src, ctx := a.src, a.ctx
	return func() tea.Msg {
		r, err := s.Search(ctx, src.Output)
		return scannedMsg{r, err}
	}
}

func (a *app) scanned(m scannedMsg) tea.Cmd {
	a.out.Scanned(m.found)
	if m.err != nil {
		a.out.StopSearch()
		a.say(fmt.Errorf("search the output: %w", m.err))
		return nil
	}
	return a.read()
}

// say shows an error, and its remedy, as the screen's last word.
func (a *app) say(err error) {
	a.word, a.bad = wording.Line(err.Error()), true
	if h := text.HintOf(err); h != "" {
		a.word += " " + a.theme.Glyph.Dash + " " + wording.Line(h)
	}
}
