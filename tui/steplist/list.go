package steplist

import (
	"time"

	"stepgate/runbook/run"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// List is the tree with the operator's place in it. The zero value follows the
// run.
type List struct {
	snap   *run.Snapshot
	ix     *index
	counts []tally            // of each node
	titles []string           // of each node; "": not asked for yet
	told   *run.Run           // whose counts and titles these are
	off    []aside            // what isn't in the plan
	here   []bool             // the run stands in the node
	busy   []bool             // something goes on in it
	kept   []bool             // it stays open while the operator is away
	reds   map[run.Key]string // steps with monitors that are or were red, in a word

	pictures []picture // of each node

	lines []line  // what is unfolded, from the top
	at    []int32 // each node's line; -1: none
	place int     // the line of the cursor
	stand int     // the line the run stands at

	cursor string // of the operator, an id; "" follows the run
	folds  map[string]bool
	scroll pane.Scroll
	row    int // the cursor's line on the screen
	height int // of the screen, as far as it was drawn
}

// line is a node that can be seen, or something that isn't in the plan.
type line struct {
	node  int32 // -1: it is off[aside]
	aside int32
	depth int32
	open  bool
}

// Set takes a newer snapshot. While the operator is away the line under the cursor
// stays where it is on the screen, whatever opens above it; what is above it, or
// around it, doesn't fold.
func (l *List) Set(s *run.Snapshot) {
	if l.Away() && l.ix != nil {
		for _, ln := range l.lines[:l.place+1] {
			if ln.open { // only a node is
				l.kept[ln.node] = true
			}
		}
	}
	l.snap = s
	l.tell()
	l.glance()
	l.unfold()
}

// tell brings what depends on the state of the run alone up to date.
func (l *List) tell() {
	r := l.snap.Run
	if l.ix == nil || l.ix.plan != r.Plan {
		l.ix, l.told = newIndex(r.Plan), nil
		n := len(l.ix.nodes)
		l.titles, l.here, l.busy, l.kept = make([]string, n), make([]bool, n), make([]bool, n), make([]bool, n)
		l.at, l.pictures = make([]int32, n), make([]picture, n)
	}
	l.watched(r)
	if wording.Unchanged(l.told, r) {
		l.told = r
		return
	}
	l.told = r
	l.counts = l.ix.count(r, l.counts)
	for _, n := range l.ix.vary {
		l.titles[n] = ""
	}
	l.asides()
}

// glance finds out where the run stands, and where something goes on.
func (l *List) glance() {
	clear(l.here)
	clear(l.busy)
	l.mark(l.here, l.snap.Current)
	if l.snap.Busy != nil {
		l.mark(l.busy, l.snap.Current)
	}
	for i := range l.snap.Beside {
		l.mark(l.busy, l.snap.Beside[i].Cell)
	}
}

func (l *List) mark(in []bool, k run.Key) {
	for n := l.node(k); n >= 0; n = l.ix.nodes[n].up {
		in[n] = true
	}
}

// node is the deepest node of a cell; -1: it has none.
func (l *List) node(k run.Key) int32 {
	if c := l.snap.Run.Cell(k); c != nil && c.Plan.Index >= 0 && c.Plan.Index < len(l.ix.of) {
		return l.ix.of[c.Plan.Index]
	}
	if i := l.asideOf(k); i >= 0 && l.off[i].step >= 0 {
		return l.ix.nodes[l.off[i].step].up // it stands beside its step
	}
	return -1
}

// unfold finds out what can be seen, and the cursor in it.
func (l *List) unfold() {
	l.lines = l.lines[:0]
	for i := range l.at {
		l.at[i] = -1
	}
	for i := range l.off {
		l.off[i].at = -1
	}
	for _, n := range l.ix.top {
		l.show(n, 0)
	}
	l.showAsides(-1, 0, false)
	l.stand = max(l.standing(), 0)
	l.place = l.stand
	if l.cursor == "" {
		return
	}
	if at := l.found(); at >= 0 {
		l.place = at
		return
	}
	l.Return()
}

// standing is the line of the cell that the run stands at, or of what that is in.
func (l *List) standing() int {
	if i := l.asideOf(l.snap.Current); i >= 0 && l.off[i].at >= 0 {
		return l.off[i].at
	}
	return l.seen(l.node(l.snap.Current))
}

// found is the line of the cursor; -1: it has none.
func (l *List) found() int {
	if n, ok := l.ix.byID[l.cursor]; ok {
		return l.seen(n)
	}
	for _, a := range l.off {
		if a.at >= 0 && l.id(l.lines[a.at]) == l.cursor {
			return a.at
		}
	}
	return -1
}

// seen is the line of a node, or of the nearest around it that has one.
func (l *List) seen(n int32) int {
	for ; n >= 0; n = l.ix.nodes[n].up {
		if l.at[n] >= 0 {
			return int(l.at[n])
		}
	}
	return -1
}

func (l *List) show(n, depth int32) {
	node := &l.ix.nodes[n]
	open := node.foldable() && l.open(n)
	if node.step != nil && len(l.off) > 0 {
		l.showAsides(n, depth, false)
		defer l.showAsides(n, depth, true)
	}
	l.at[n] = int32(len(l.lines))
	l.lines = append(l.lines, line{node: n, depth: depth, open: open})
	switch {
	case !open:
	case node.kind == ofWalk && l.told.Orders[node.each.ID] != nil:
		for _, i := range l.told.Order(node.each) {
			l.show(node.kids[i], depth+1)
		}
	default:
		for _, k := range node.kids {
			l.show(k, depth+1)
		}
	}
}

// open reports whether a node is unfolded: as the operator said, else while the run
// is in it.
func (l *List) open(n int32) bool {
	if o, ok := l.folds[l.ix.nodes[n].id]; ok {
		return o
	}
	return l.here[n] || l.busy[n] || l.kept[n]
}

// Away reports whether the operator looks at something else than where the run
// stands.
func (l *List) Away() bool { return l.cursor != "" }

// Return goes back to where the run stands, and follows it again.
func (l *List) Return() {
	l.cursor = ""
	if l.ix != nil {
		clear(l.kept)
		l.unfold()
	}
}

// Move moves the cursor by n lines.
func (l *List) Move(n int) {
	if len(l.lines) > 0 {
		l.put(max(min(l.place+n, len(l.lines)-1), 0))
	}
}

// Click puts the cursor on the row shown at a line of the list, and reports whether
// there is one.
func (l *List) Click(line int) bool {
	i := l.top() + line
	if i < 0 || i >= len(l.lines) {
		return false
	}
	l.put(i)
	return true
}

// put moves the cursor to a line, and the window as little as needed.
func (l *List) put(i int) {
	top := l.top()
	if i == l.stand {
		l.Return()
		return
	}
	l.cursor, l.place = l.id(l.lines[i]), i
	l.settle(top)
}

func (l *List) id(ln line) string {
	if ln.node < 0 {
		return asideID + l.off[ln.aside].cell.Key.String()
	}
	return l.ix.nodes[ln.node].id
}

// top is the line at the upper edge.
func (l *List) top() int {
	if !l.Away() {
		return l.scroll.Top
	}
	return l.place - l.row
}

// settle shows the cursor, from where the window is.
func (l *List) settle(top int) {
	l.scroll.Top = top
	l.scroll.Show(l.place, len(l.lines), max(l.height, 1))
	l.row = l.place - l.scroll.Top
}

// Fold opens or closes the row under the cursor; a row that can't be folded
// closes what it is in.
func (l *List) Fold(open bool) {
	if l.snap == nil || len(l.lines) == 0 {
		return
	}
	i, top := l.place, l.top()
	for !open && i > 0 && !l.lines[i].open {
		d := l.lines[i].depth
		for i > 0 && l.lines[i].depth >= d {
			i--
		}
		if d == 0 {
			break
		}
	}
	n := l.lines[i].node
	if n < 0 || !l.ix.nodes[n].foldable() {
		return
	}
	if l.folds == nil {
		l.folds = map[string]bool{}
	}
	l.folds[l.ix.nodes[n].id] = open
	l.unfold()
	if l.place = int(l.at[n]); l.place == l.stand {
		l.Return()
		return
	}
	l.cursor = l.ix.nodes[n].id
	l.settle(top)
}

// Toggle folds or unfolds the row under the cursor.
func (l *List) Toggle() {
	if len(l.lines) > 0 {
		l.Fold(!l.lines[l.place].open)
	}
}

// Selected returns the row under the cursor.
func (l *List) Selected() (Row, bool) {
	if len(l.lines) == 0 {
		return Row{}, false
	}
	return l.rowOf(l.lines[l.place]), true
}

// Lines draws the tree in at most h lines of w cells.
func (l *List) Lines(t *theme.Theme, w, h int, now time.Time, spin string) []string {
	if l.snap == nil || len(l.lines) == 0 || h < 1 {
		return nil
	}
	top := l.window(h)
	out := make([]string, 0, h)
	for i := top; i < min(top+h, len(l.lines)); i++ {
		if i < 0 {
			out = append(out, "") // the line under the cursor stays where it is
			continue
		}
		out = append(out, l.draw(t, l.lines[i], w, i == l.place && l.Away(), now, spin))
	}
	return out
}

// window is the line at the upper edge of h lines.
func (l *List) window(h int) int {
	if !l.Away() {
		l.height = h
		l.scroll.Around(l.place, len(l.lines), h)
		l.row = l.place - l.scroll.Top
		return l.scroll.Top
	}
	if top := l.top(); h != l.height {
		l.height = h
		l.settle(top)
	}
	top := l.top()
	l.scroll.Top = top
	l.scroll.By(0, len(l.lines), h)
	return top
}

// Scroll returns the position, for the frame around the list.
func (l *List) Scroll() *pane.Scroll { return &l.scroll }
