package steplist

import (
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// Row is a line of the tree.
type Row struct {
	ID       string
	Depth    int
	Mark     theme.Mark
	Foldable bool
	Open     bool
	Number   string
	Title    string
	Where    string     // the instances a walk is at; how a step left the book
	Right    string     // progress, duration or a word
	Gates    int        // that are ahead below it
	Step     *plan.Step // nil for sections and walks
	Section  *plan.Section
	Key      run.Key // of its cell, or of the first cell below it
}

// rowOf is what a line shows.
func (l *List) rowOf(ln line) Row {
	if ln.node < 0 {
		return l.asideRow(ln)
	}
	n, t := &l.ix.nodes[ln.node], &l.counts[ln.node]
	r := Row{
		ID: n.id, Depth: int(ln.depth), Foldable: n.foldable(), Open: ln.open, Title: l.title(ln.node),
		Section: n.section, Step: n.step, Key: l.told.Cells[t.first].Key,
	}
	if n.cell >= 0 {
		c := l.told.Cells[n.cell]
		r.Mark, r.Right = l.cellMark(c), l.word(c)
		if c.Edited != nil {
			r.Where = "edited"
		}
		if n.kind == ofStep {
			r.Number = n.step.Number
		}
		return r
	}
	r.Mark, r.Right = t.mark(l.here[ln.node] || l.busy[ln.node]), t.progress()
	if t.total == 0 { // only to be read
		r.Mark, r.Right = theme.NotApplicable, ""
	}
	switch n.kind {
	case ofSection:
		r.Number, r.Gates = n.section.Number, int(t.gates)
	case ofWalk:
		l.walkRow(n, t, &r)
	case ofInstance:
		l.instanceRow(t, &r)
	case ofStep, ofTurn, ofCell:
		if n.kind == ofStep {
			r.Number = n.step.Number
		}
		if l.here[ln.node] {
			r.Key = l.snap.Current
		}
	}
	if ln.open || l.told.Closed != "" {
		r.Gates = 0 // they are to be seen, or won't be met
	}
	return r
}

func (l *List) walkRow(n *node, t *tally, r *Row) {
	r.Number, r.Gates = n.each.Number, int(t.gates)
	if first, ok := n.each.Instances[0].(*plan.Section); ok {
		r.Section = first
	}
	if at, reached := l.reached(n); at != "" {
		r.Where, r.Right = at, of(reached, len(n.each.Keys))
	}
}

// troubles say why an instance wants attention.
var troubles = map[theme.Mark]string{theme.Failed: "failed", theme.Unknown: "unknown", theme.Undone: "rolled back"}

func (l *List) instanceRow(t *tally, r *Row) {
	r.Gates = int(t.gates)
	switch r.Mark {
	case theme.Excluded:
		r.Right = wording.Status(run.Excluded)
	case theme.Failed, theme.Unknown, theme.Undone:
		r.Right = troubles[r.Mark] + " " + t.progress()
	default:
	}
}

// title is a node's title with its values.
func (l *List) title(n int32) string {
	if l.titles[n] == "" {
		l.titles[n] = l.entitle(&l.ix.nodes[n])
	}
	return l.titles[n]
}

func (l *List) entitle(n *node) string {
	r := l.told
	switch n.kind {
	case ofSection:
		return wording.Line(r.TextIn(n.section.Scope, n.section.Title))
	case ofWalk:
		return wording.WalkTitle(r, n.each)
	case ofInstance:
		if n.varies() {
			return wording.Line(r.TextIn(n.section.Scope, n.section.Title))
		}
		return wording.Line(l.ix.nodes[n.up].each.Keys[n.walk])
	case ofTurn:
		return wording.Line(l.ix.nodes[n.up].each.Keys[n.walk])
	case ofCell:
		return wording.Place(r.Cells[n.cell].Key.Target)
	case ofStep:
	}
	return wording.Title(r, n.step)
}

// reached names the instances a walk is at, and says how many it has reached: with
// batches there may be several at a time.
func (l *List) reached(n *node) (at string, reached int) {
	var open []string
	for i, at := range l.told.Order(n.each) {
		kid := n.kids[at]
		t := &l.counts[kid]
		hot := l.here[kid] || l.busy[kid]
		if hot || n.each.Batch > 1 && t.begun && t.settled < t.total {
			open, reached = append(open, wording.Line(n.each.Keys[at])), i+1
		}
	}
	if len(open) > 2 {
		open = []string{open[0], "+" + strconv.Itoa(len(open)-1)}
	}
	return strings.Join(open, " "), reached
}

func (l *List) cellMark(c *run.Cell) theme.Mark {
	if wording.Busy(l.snap, c.Key) != nil {
		return theme.Running
	}
	if c.Status == run.Succeeded {
		return l.besideMark(c)
	}
	if c.Status != run.Pending {
		return wording.Mark(c.Status)
	}
	switch {
	case c.NeedsGate():
		return theme.Gate
	case c.Key == l.snap.Current:
		return theme.Ready
	}
	return theme.Pending
}

// word is the word or the time at the end of a cell's row.
func (l *List) word(c *run.Cell) string {
	beside := l.besideWord(c)
	switch {
	case beside != "":
		return beside
	case c.Status == run.Succeeded || c.Status == run.RolledBack && wording.Took(c) > 0:
		if d := wording.Took(c); d > 0 {
			return text.Duration(d)
		}
		return wording.Status(c.Status)
	case c.Status != run.Pending:
		return wording.Status(c.Status)
	case c.NeedsGate():
		return "gate"
	case c.Key == l.snap.Current && l.snap.Busy == nil:
		return "next"
	}
	return ""
}

// look is what a line's picture depends on.
type look struct {
	Row
	theme             *theme.Theme
	w                 int
	current, selected bool
	spin              string // of something going on there
}

// picture is a line as it was drawn last.
type picture struct {
	look
	text string
}

// draw is a line of exactly w cells.
func (l *List) draw(t *theme.Theme, ln line, w int, selected bool, now time.Time, spin string) string {
	k := look{Row: l.rowOf(ln), theme: t, w: w, selected: selected}
	k.current = k.Key == l.snap.Current && k.Step != nil && (!k.Foldable || !k.Open)
	if k.Step != nil && !(k.Foldable && k.Open) {
		if b := wording.Busy(l.snap, k.Key); b != nil {
			k.Right, k.spin = text.Duration(now.Sub(b.Since).Truncate(time.Second)), spin
		}
	}
	if ln.node < 0 {
		return k.paint()
	}
	p := &l.pictures[ln.node]
	if p.look != k {
		*p = picture{k, k.paint()}
	}
	return p.text
}

func (k *look) paint() string {
	t, mark := k.theme, k.theme.Draw(k.Mark)
	switch {
	case k.Foldable && k.Open:
		mark = t.Muted.Render(t.Glyph.Open)
	case k.spin != "":
		mark = t.Live.Render(k.spin)
	}
	style := t.Text
	switch {
	case k.current:
		style = t.Strong
	case k.Mark == theme.Pending || k.Mark == theme.NotApplicable || k.Mark == theme.Excluded:
		style = t.Muted
	}
	right := k.Right
	if k.Where != "" && right == "" {
		right = k.Where
	} else if k.Where != "" {
		right = k.Where + " " + t.Glyph.Dot + " " + right
	}
	end := k.rightStyle().Render(right)
	if k.Gates > 0 {
		end = t.Style(theme.Gate).UnsetBold().Render(t.Glyph.Mark(theme.Gate)+strconv.Itoa(k.Gates)) + " " + end
	}
	left := strings.Repeat("  ", k.Depth) + mark + " " + style.Render(strings.TrimSpace(k.Number+" "+k.Title))
	s := pane.Row(left, end, k.w, t.Glyph.Ellipsis)
	if k.selected {
		return t.Selected.Render(pane.Fit(ansi.Strip(s), k.w, ""))
	}
	return s
}

func (k *look) rightStyle() lipgloss.Style {
	switch k.Mark {
	case theme.Failed, theme.Unknown, theme.Gate, theme.Running, theme.Undone:
		return k.theme.Style(k.Mark).UnsetBold()
	default:
		return k.theme.Faint
	}
}
