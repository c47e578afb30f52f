package plain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/tui/wording"
)

// gate prints exactly what would run and asks for the phrase. What was typed
// before is dropped; anything but the phrase declines, apart from a word that shows
// something.
func (w *walk) gate(ctx context.Context, s *run.Snapshot, c *run.Cell) (run.Action, error) {
	g := c.Gate
	w.p.printf("\nGATE %s\n", wording.Name(s.Run, c.Plan.Step))
	for _, caution := range cautions(s.Run, c) {
		w.p.indent("!", caution)
	}
	if c.Plan.Step.Book.Judged != "" {
		w.p.indent("!", "this looks destructive: "+c.Plan.Step.Book.Judged)
	}
	w.strayed(c)
	w.undoing(s, c)
	if d := g.Dispatch; d != nil {
		w.p.printf("  %s:\n", strings.Join(wording.Reached(s.Run, d), ", "))
		w.p.command(d)
		w.trace(s.Run, d)
	}
	w.others(s, c)
	if e := c.Plan.Step.Enter; e != nil {
		w.p.printf("  what follows:\n")
		w.follows(s.Run, e, c)
	}
	if at, taken := c.CheckedAt[run.Before]; taken {
		w.p.printf("  %s, and once more after the phrase:\n", wording.Age(at, s.At))
	}
	w.p.checks(c, run.Before, nil)
	w.watching(s)
	for {
		if err := w.in.Flush(); err != nil {
			return nil, err
		}
		typed, err := w.exactly(ctx, fmt.Sprintf("type %q to go on, anything else declines (? shows more)> ", g.Phrase))
		if err != nil {
			return nil, err
		}
		if typed != g.Phrase {
			if shown, err := w.look(ctx, s, typed); shown || err != nil {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		return run.Answer{Gate: g.Gate, Typed: typed}, nil
	}
}

// undoing says what can be undone behind a gate, and what follows in time.
func (w *walk) undoing(s *run.Snapshot, c *run.Cell) {
	for _, sentence := range wording.Undoing(s.Run, c) {
		w.p.indent("!", sentence)
	}
	if c.Rerun {
		w.p.indent("!", "Its command has been sent before: this runs it once more.")
	}
	if c.Plan.Step.Book.Irreversible {
		for _, sentence := range wording.Elsewhere(s.Run) {
			w.p.indent("!", sentence)
		}
	}
	if late := wording.Late(run.Left(s, s.At)); late != "" {
		w.p.indent("!", late)
	}
}

// trace says where nothing will tell whether a command has run.
func (w *walk) trace(r *run.Run, d *run.Dispatch) {
	switch why := r.Hosts[d.Where].Degraded; {
	case d.Form != "":
		w.p.indent("!", "If this is cut off while it runs, nothing tells whether it has run: then its checks decide, or you do.")
	case why != "":
		w.p.indent("!", wording.Place(d.Where)+" keeps no record of what runs there ("+why+
			"). If the connection is lost meanwhile, nothing tells whether it has run.")
	}
}

// follows lists the steps of a section that is entered at a cell.
func (w *walk) follows(r *run.Run, n plan.Node, at *run.Cell) {
	for _, c := range wording.Below(r, n) {
		if c == at {
			continue
		}
		gate := ""
		if c.NeedsGate() {
			gate = " (gate)"
		}
		w.p.printf("    %s%s\n", wording.Among(r, c), gate)
	}
}

// led returns the cells whose gates the cell's own answer opens.
func led(r *run.Run, c *run.Cell) (with []*run.Cell) {
	for _, o := range r.Cells {
		if o.Gate != nil && o.Gate.Leader == c.Gate.Gate {
			with = append(with, o)
		}
	}
	return with
}

// cautions are the warnings of every cell that a gate opens, each text once.
func cautions(r *run.Run, c *run.Cell) (texts []string) {
	for _, o := range append([]*run.Cell{c}, led(r, c)...) {
		source := o.Plan.Step.Book.Caution
		if e := o.Plan.Step.Enter; e != nil && source == "" {
			source = e.Book.Caution
		}
		if text := r.Text(o, source); text != "" && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return texts
}

// others prints what a gate opens beside the cell it is shown at.
func (w *walk) others(s *run.Snapshot, c *run.Cell) {
	with := led(s.Run, c)
	if len(with) == 0 {
		return
	}
	w.p.printf("  the same gate opens it at %d places more:\n", len(with))
	for _, o := range with {
		w.p.printf("  %s\n", wording.Instance(o))
		if d := o.Gate.Dispatch; d != nil {
			w.p.printf("    %s\n", strings.Join(wording.Facts(d), ", "))
			if own := c.Gate.Dispatch; own == nil || own.Prefix+own.Body != d.Prefix+d.Body {
				w.p.exact(d)
			}
			for _, v := range d.Named() {
				w.p.printf("      %s=%s\n", wording.Line(v.Name), wording.Line(wording.Value(v)))
			}
		}
		w.p.checks(o, run.Before, nil)
	}
}
