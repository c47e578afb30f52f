package steplist

import (
	"time"

	"stepgate/runbook/run"
	"stepgate/tui/wording"
)

// aside is a command that the plan doesn't have, and the step in whose place it was
// run.
type aside struct {
	cell  *run.Cell
	step  int32 // node; -1: there is none
	after bool  // that step had begun; else the command came first
	at    int   // its line; -1: none
}

// asides finds the places of what isn't in the plan: the step that the run stood at
// then.
func (l *List) asides() {
	l.off = l.off[:0]
	for _, c := range l.told.OffBook {
		at := l.stoodAt(c.Begun)
		a := aside{cell: c, step: -1, after: at != nil && !at.Begun.IsZero() && !at.Begun.After(c.Begun), at: -1}
		if at != nil {
			a.step = l.stepOf(l.ix.of[at.Plan.Index])
		}
		l.off = append(l.off, a)
	}
}

// stepOf is the node of the step that a place belongs to.
func (l *List) stepOf(n int32) int32 {
	if l.ix.nodes[n].kind == ofCell {
		return l.ix.nodes[n].up
	}
	return n
}

// stoodAt is the cell that the run stood at: the one that had begun last, unless it
// was over; then the one that began next, or is next.
func (l *List) stoodAt(t time.Time) *run.Cell {
	var last, next *run.Cell
	for _, c := range l.told.Cells {
		switch {
		case c.Begun.IsZero():
		case !c.Begun.After(t):
			if last == nil || !c.Begun.Before(last.Begun) {
				last = c
			}
		case next == nil || c.Begun.Before(next.Begun):
			next = c
		}
	}
	if last != nil && (!last.Status.Settled() || last.Ended.After(t)) {
		return last
	}
	if next == nil {
		next = l.ahead(l.ix.top)
	}
	if next == nil {
		return last
	}
	return next
}

// ahead is the first cell in walking order that isn't settled; nil: there is none.
func (l *List) ahead(nodes []int32) *run.Cell {
	for _, n := range nodes {
		node := &l.ix.nodes[n]
		switch {
		case l.counts[n].settled == l.counts[n].total:
		case node.cell >= 0:
			return l.told.Cells[node.cell]
		case node.kind == ofWalk:
			for _, i := range l.told.Order(node.each) {
				if c := l.ahead(node.kids[i : i+1]); c != nil {
					return c
				}
			}
		default:
			return l.ahead(node.kids)
		}
	}
	return nil
}

// showAsides adds the lines of what was run in a step's place, before or after it.
func (l *List) showAsides(step, depth int32, after bool) {
	for i := range l.off {
		if a := &l.off[i]; a.step == step && a.after == after {
			a.at = len(l.lines)
			l.lines = append(l.lines, line{node: -1, aside: int32(i), depth: depth})
		}
	}
}

// asideOf is the place of a cell among them; -1: it is the plan's.
func (l *List) asideOf(k run.Key) int {
	for i := range l.off {
		if l.off[i].cell.Key == k {
			return i
		}
	}
	return -1
}

const asideID = "x:"

func (l *List) asideRow(ln line) Row {
	c := l.off[ln.aside].cell
	return Row{
		ID: asideID + c.Key.String(), Depth: int(ln.depth), Mark: l.cellMark(c), Number: c.Plan.Step.Number,
		Title: wording.Title(l.told, c.Plan.Step), Where: "off-book", Right: l.word(c), Step: c.Plan.Step, Key: c.Key,
	}
}
