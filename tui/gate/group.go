package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/tui/pane"
	"stepgate/tui/stepview"
	"stepgate/tui/wording"
)

// followers returns the cells whose gates the cell's own answer opens, in
// walking order.
func followers(r *run.Run, c *run.Cell) []*run.Cell {
	var out []*run.Cell
	for _, o := range r.Cells {
		if o.Gate != nil && o.Grant == nil && o.Gate.Leader == c.Gate.Gate {
			out = append(out, o)
		}
	}
	if ask, ok := run.Next(r).(run.Ask); ok {
		at := func(c *run.Cell) int {
			return slices.IndexFunc(ask.With, func(w *run.Cell) bool { return w.Key == c.Key })
		}
		slices.SortStableFunc(out, func(a, b *run.Cell) int { return at(a) - at(b) })
	}
	return out
}

// atATime says how the cells of the gate follow each other.
func atATime(r *run.Run, n int) string {
	ask, ok := run.Next(r).(run.Ask)
	switch {
	case !ok || ask.Parallel <= 1:
		return "one after the other; it stops at the first that does not succeed"
	case ask.Parallel >= n:
		return "all at once"
	}
	return fmt.Sprintf("%d at a time; no further one begins once one has not succeeded", ask.Parallel)
}

// places lists what else the gate opens, and what differs there from what is
// shown above.
func (b *content) places() {
	if len(b.d.with) == 0 {
		return
	}
	n := len(b.d.with) + 1
	var lines []string
	for _, l := range pane.Wrap(fmt.Sprintf("This gate opens it at %d places, %s:", n, atATime(b.d.run, n)), b.w) {
		lines = append(lines, b.Warning.Render(l))
	}
	wide := 0
	all := append([]*run.Cell{b.d.cell}, b.d.with...)
	for _, c := range all {
		wide = max(wide, ansi.StringWidth(wording.Instance(c)))
	}
	wide = min(wide, b.w/2)
	for i, c := range all {
		head := "  " + b.Strong.Render(pane.Fit(wording.Instance(c), wide, b.Glyph.Ellipsis)) + "  "
		differs := []string{b.Muted.Render("as above")}
		if i > 0 {
			differs = b.differs(c)
		}
		for j, l := range pane.Flow(differs, "   ", max(b.w-wide-4, 8)) {
			if j > 0 {
				head = strings.Repeat(" ", wide+4)
			}
			lines = append(lines, head+l)
		}
	}
	b.block(lines)
	for _, c := range b.d.with {
		if d, own := c.Gate.Dispatch, b.d.shown.Dispatch; d != nil && own != nil && (d.Shown() != own.Shown() || d.Around() != own.Around()) {
			b.block(append([]string{b.Caution.Render("At " + wording.Instance(c) + " this runs instead:")}, stepview.Dispatch(b.Theme, d, b.w)...))
			b.prefix(d)
			b.values(d)
		}
	}
}

// differs says what a follower's dispatch has otherwise than the one above: its
// host, directory, and the values that its text names.
func (b *content) differs(c *run.Cell) []string {
	d, own := c.Gate.Dispatch, b.d.shown.Dispatch
	if d == nil || own == nil {
		return []string{b.Muted.Render("the same")}
	}
	var out []string
	say := func(what, a, z string) {
		if a == z {
			return
		}
		if z == "" {
			z = "none"
		}
		for _, l := range strings.Split(wording.Block(z), "\n") {
			out = append(out, b.Muted.Render(what)+" "+l)
			what = ""
		}
	}
	if c.Key.Target != d.Where || d.Where != own.Where && wording.Instance(c) != wording.Place(d.Where) {
		say("on", own.Where, wording.Place(d.Where))
	}
	say("at", own.SSH, d.SSH)
	say("to", own.Server, d.Server)
	say("through", own.Via, d.Via)
	say("as", own.User, d.User)
	say("in", own.Dir, d.Dir)
	was := map[string]run.Var{}
	for _, v := range b.withSet(own.Named(), own) {
		was[v.Name] = v
	}
	for _, v := range b.withSet(d.Named(), d) {
		say("$"+wording.Line(v.Name)+" =", wording.Value(was[v.Name]), wording.Value(v))
	}
	if len(out) == 0 {
		return []string{b.Muted.Render("the same")}
	}
	return out
}
