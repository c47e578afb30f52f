package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/tui/pane"
	"stepgate/tui/stepview"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// content builds what has to be read before the phrase.
type content struct {
	*theme.Theme
	d     *Dialog
	w     int
	lines []string
}

func (b content) build() []string {
	st := b.d.cell.Plan.Step
	if caution := b.caution(); caution != "" {
		b.block(stepview.Alert(b.Theme, theme.Failed, "CAUTION", caution, b.w))
	}
	if st.Book.Judged != "" {
		b.block(stepview.Alert(b.Theme, theme.Gate, "GATE", "This looks destructive: "+st.Book.Judged, b.w))
	}
	b.undo(st)
	if d := b.d.shown.Dispatch; d != nil {
		b.block(stepview.Dispatch(b.Theme, d, b.w))
		b.prefix(d)
		b.values(d)
		b.unclaimed(d)
	}
	b.places()
	if st.Enter != nil {
		b.follows(st.Enter)
	}
	b.checks()
	return b.lines
}

// caution is the warning of every cell that the gate opens, each text once.
func (b *content) caution() string {
	var texts []string
	for _, c := range append([]*run.Cell{b.d.cell}, b.d.with...) {
		st := c.Plan.Step
		source := st.Book.Caution
		if st.Enter != nil && source == "" {
			source = st.Enter.Book.Caution
		}
		if text := b.d.run.Text(c, source); text != "" && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "\n\n")
}

func (b *content) block(lines []string) {
	if len(lines) == 0 {
		return
	}
	if len(b.lines) > 0 {
		b.lines = append(b.lines, "")
	}
	b.add(lines...)
}

func (b *content) add(lines ...string) {
	for _, l := range lines {
		b.lines = append(b.lines, pane.Cut(l, b.w, b.Glyph.Ellipsis))
	}
}

func (b *content) undo(st *plan.Step) {
	style := b.Warning
	if b.d.shown.Reversible {
		style = b.Good
	}
	if st.Book.Irreversible {
		style = b.Caution
	}
	var lines []string
	for _, l := range pane.Wrap(wording.Undo(st), b.w) {
		lines = append(lines, style.Render(l))
	}
	if b.d.cell.Rerun {
		lines = append(lines, b.Caution.Render("Its command has been sent before: this runs it once more."))
	}
	b.block(lines)
}

// prefix shows what stands before the command's own text, folded to a line
// unless it is short or the operator asked.
func (b *content) prefix(d *run.Dispatch) {
	lines, name := wording.Prefix(d)
	if len(lines) == 0 {
		return
	}
	if len(lines) > 1 && !b.d.unfolded {
		if _, n := b.named(d); n > 0 {
			name += fmt.Sprintf(", values they name: %d", n)
		}
		for _, l := range pane.Wrap("before it: "+name+" (tab shows them)", max(b.w-2, 1)) {
			b.add("  " + b.Faint.Render(l))
		}
		return
	}
	b.add(b.Faint.Render("  before it:"))
	for _, l := range wording.Exact(d.Prefix) {
		for part := range strings.SplitSeq(ansi.Hardwrap(l, max(b.w-4, 1), true), "\n") {
			b.add("    " + b.Muted.Render(part))
		}
	}
}

// named returns the variables whose values are listed, and how many are folded
// away because only what runs before the command names them.
func (b *content) named(d *run.Dispatch) (vars []run.Var, folded int) {
	all := d.Named()
	if b.d.unfolded {
		return all, 0
	}
	own := run.Dispatch{Body: d.Body, Env: d.Env}
	vars = own.Named()
	return vars, len(all) - len(vars)
}

// values lists the variables that the text names.
func (b *content) values(d *run.Dispatch) {
	vars, _ := b.named(d)
	var lines []string
	wide := 0
	for _, v := range vars {
		wide = max(wide, ansi.StringWidth(v.Name))
	}
	for _, v := range vars {
		pad := strings.Repeat(" ", min(wide, 24)+3)
		var val []string
		for _, l := range wording.Exact(wording.Value(v) + "\n") {
			val = append(val, strings.Split(ansi.Hardwrap(l, max(b.w-len(pad), 8), true), "\n")...)
		}
		for i, l := range val {
			l = b.Strong.UnsetBold().Render(l)
			if i == 0 {
				lines = append(lines, b.Muted.Render(pane.Fit("$"+wording.Line(v.Name), len(pad), b.Glyph.Ellipsis))+l)
				continue
			}
			lines = append(lines, pad+l)
		}
	}
	b.block(lines)
}

// follows lists the steps of the section that is entered.
func (b *content) follows(s *plan.Section) {
	lines := []string{b.Muted.Render("What follows:")}
	var walk func(plan.Node)
	walk = func(n plan.Node) {
		switch n := n.(type) {
		case *plan.Section:
			for _, c := range n.Children {
				walk(c)
			}
		case *plan.Walk:
			for _, i := range b.d.run.Order(n) {
				walk(n.Instances[i])
			}
		case *plan.Step:
			if n == b.d.cell.Plan.Step {
				return
			}
			mark := b.Draw(theme.Pending)
			if n.Gated {
				mark = b.Draw(theme.Gate)
			}
			lines = append(lines, mark+" "+wording.Name(b.d.run, n))
		}
	}
	walk(s)
	b.block(lines)
}

// maxOutput is how many lines of a passed check's output are to be read; of
// more, the first and the last ones are shown.
const maxOutput = 24

// unclaimed says what it means that statements and requests leave no trace on a
// host.
func (b *content) unclaimed(d *run.Dispatch) {
	if d.Form == "" {
		return
	}
	for _, l := range pane.Wrap("If this is cut off while it runs, nothing tells whether it has run: then its checks decide, or you do.", b.w) {
		b.add(b.Warning.Render(l))
	}
}

// checks shows the preconditions with their verdict and what they printed, of
// every cell that the gate opens.
func (b *content) checks() {
	for _, c := range append([]*run.Cell{b.d.cell}, b.d.with...) {
		b.checksOf(c)
	}
}

func (b *content) checksOf(c *run.Cell) {
	fences := c.Fences(run.Before)
	taken := c.Checks[run.Before]
	if taken == nil || len(taken.Checks) == 0 {
		return
	}
	var lines []string
	for _, res := range taken.Checks {
		where := ""
		if len(taken.Checks) > len(fences) {
			where = wording.Place(res.Where)
		} else if len(b.d.with) > 0 {
			where = wording.Instance(c)
		}
		lines = append(lines, stepview.Result(b.Theme, "before", where, fences, res, b.w)...)
		if g, ok := stepview.Grid(fences, res); ok {
			for _, l := range g.Lines(b.w - 4) {
				lines = append(lines, b.quoted(l))
			}
		} else {
			lines = append(lines, b.output(res.Stdout)...)
		}
		lines = append(lines, b.output(res.Stderr)...)
	}
	b.block(lines)
}

func (b *content) quoted(l string) string {
	return b.Border.Render("  "+b.Glyph.Quote+" ") + b.Muted.Render(l)
}

func (b *content) output(s string) []string {
	s = strings.TrimRight(wording.Block(s), "\n")
	if s == "" {
		return nil
	}
	var out []string
	all := strings.Split(s, "\n")
	if over := len(all) - maxOutput; over > 0 {
		left := fmt.Sprintf("(%d lines left out here; the output pane has them)", over)
		all = append(append(all[:maxOutput/2:maxOutput/2], left), all[len(all)-maxOutput/2:]...)
	}
	for _, l := range all {
		for part := range strings.SplitSeq(ansi.Hardwrap(l, max(b.w-4, 1), true), "\n") {
			out = append(out, b.quoted(part))
		}
	}
	return out
}
