package steplist

import (
	"strconv"

	"stepgate/runbook/run"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// tally sums up what is below a node.
type tally struct {
	settled, total int32
	gates          int32 // that are ahead
	out            int32 // cells that are excluded
	first          int32 // cell
	worst          theme.Mark
	begun          bool
}

func (a *tally) add(b *tally) {
	if a.total == 0 {
		a.first = b.first
	}
	a.settled += b.settled
	a.total += b.total
	a.gates += b.gates
	a.out += b.out
	a.begun = a.begun || b.begun
	if rank(b.worst) > rank(a.worst) {
		a.worst = b.worst
	}
}

func rank(m theme.Mark) int {
	switch m {
	case theme.Failed:
		return 3
	case theme.Unknown:
		return 2
	case theme.Undone:
		return 1
	default:
		return 0
	}
}

func (a *tally) mark(busy bool) theme.Mark {
	switch {
	case rank(a.worst) > 0:
		return a.worst
	case a.total > 0 && a.out == a.total:
		return theme.Excluded
	case a.total > 0 && a.settled == a.total:
		return theme.Done
	case busy:
		return theme.Running
	}
	return theme.Pending
}

func (a *tally) progress() string { return of(int(a.settled), int(a.total)) }

func of(n, total int) string { return strconv.Itoa(n) + "/" + strconv.Itoa(total) }

// count sums up a run. Nodes come before what is in them.
func (ix *index) count(r *run.Run, into []tally) []tally {
	if len(into) != len(ix.nodes) {
		into = make([]tally, len(ix.nodes))
	}
	clear(into)
	for i := len(ix.nodes) - 1; i >= 0; i-- {
		n := &ix.nodes[i]
		if n.cell >= 0 {
			into[i] = ofOne(r.Cells[n.cell], n.cell)
			continue
		}
		for _, k := range n.kids {
			into[i].add(&into[k])
		}
	}
	return into
}

func ofOne(c *run.Cell, at int32) tally {
	t := tally{total: 1, worst: theme.Done, first: at, begun: c.Status != run.Pending}
	switch {
	case c.Status.Settled():
		t.settled = 1
		if c.Status == run.Excluded {
			t.out = 1
		}
	case c.NeedsGate():
		t.gates = 1
	}
	if m := wording.Mark(c.Status); rank(m) > 0 {
		t.worst = m
	}
	return t
}
