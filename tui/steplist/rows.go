package steplist

import (
	"fmt"
	"strings"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
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
	Right    string     // progress, duration or a word
	Step     *plan.Step // nil for sections and walks
	Section  *plan.Section
	Key      run.Key // of its cell, or of the first cell below it
}

// tally sums up what is below a node.
type tally struct {
	settled, total int
	current        bool
	worst          theme.Mark // Failed, Unknown or Undone; else Done
	begun          bool
	busy           bool // something is going on below
	out            int  // cells that are excluded
	first          run.Key
}

func (a *tally) add(b tally) {
	if a.total == 0 {
		a.first = b.first
	}
	a.settled += b.settled
	a.total += b.total
	a.current = a.current || b.current
	a.begun = a.begun || b.begun
	a.busy = a.busy || b.busy
	a.out += b.out
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

// open reports whether the run is at work below, or has begun and not ended.
func (a tally) open() bool { return a.current || a.busy || a.begun && a.settled < a.total }

func (a tally) mark() theme.Mark {
	switch {
	case rank(a.worst) > 0:
		return a.worst
	case a.total > 0 && a.out == a.total:
		return theme.Excluded
	case a.total > 0 && a.settled == a.total:
		return theme.Done
	case a.current || a.busy:
		return theme.Running
	}
	return theme.Pending
}

// builder makes the rows of one snapshot.
type builder struct {
	s       *run.Snapshot
	r       *run.Run
	folds   map[string]bool
	tallies map[plan.Node]tally
	rows    []Row
}

func build(s *run.Snapshot, folds map[string]bool) []Row {
	b := &builder{s: s, r: s.Run, folds: folds, tallies: map[plan.Node]tally{}}
	root := b.r.Plan.Root
	b.count(root)
	for _, c := range root.Children {
		b.node(c, 0)
	}
	return b.rows
}

func (b *builder) count(n plan.Node) tally {
	var t tally
	switch n := n.(type) {
	case *plan.Section:
		for _, c := range n.Children {
			t.add(b.count(c))
		}
	case *plan.Walk:
		for _, c := range n.Instances {
			t.add(b.count(c))
		}
	case *plan.Step:
		for _, c := range n.Cells {
			t.add(b.cell(b.r.Cells[c.Index]))
		}
	}
	b.tallies[n] = t
	return t
}

func (b *builder) cell(c *run.Cell) tally {
	t := tally{total: 1, current: c.Key == b.s.Current, worst: theme.Done, first: c.Key}
	t.busy = wording.Busy(b.s, c.Key) != nil
	if c.Status == run.Excluded {
		t.out = 1
	}
	if c.Status.Settled() {
		t.settled = 1
	}
	t.begun = c.Status != run.Pending
	if m := wording.Mark(c.Status); rank(m) > 0 {
		t.worst = m
	}
	return t
}

func (b *builder) node(n plan.Node, depth int) {
	switch n := n.(type) {
	case *plan.Section:
		b.section(n, depth)
	case *plan.Walk:
		b.walk(n, depth)
	case *plan.Step:
		b.step(n, depth, "")
	}
}

// open reports whether a node is unfolded: as the operator said, else when the
// run stands in it.
func (b *builder) open(id string, t tally) bool {
	if o, ok := b.folds[id]; ok {
		return o
	}
	return t.current || t.busy
}

func (b *builder) fold(id string, depth int, number, title, right string, t tally) bool {
	open := b.open(id, t)
	b.rows = append(b.rows, Row{
		ID: id, Depth: depth, Mark: t.mark(), Foldable: true, Open: open,
		Number: number, Title: title, Right: right, Key: t.first,
	})
	return open
}

func (b *builder) section(n *plan.Section, depth int) {
	t := b.tallies[n]
	title := wording.Line(b.r.Plan.Text(n.Title, n.Scope, nil))
	open := b.fold("s:"+n.ID, depth, n.Number, title, progress(t), t)
	b.rows[len(b.rows)-1].Section = n
	if open {
		for _, c := range n.Children {
			b.node(c, depth+1)
		}
	}
}

// word says why an instance wants attention.
var word = map[theme.Mark]string{theme.Failed: "failed", theme.Unknown: "unknown", theme.Undone: "rolled back"}

func progress(t tally) string { return fmt.Sprintf("%d/%d", t.settled, t.total) }

func (b *builder) walk(n *plan.Walk, depth int) {
	t := b.tallies[n]
	order := b.r.Order(n)
	right := progress(t)
	if at := b.standing(n, order); at != "" {
		right = at
	}
	title := wording.WalkTitle(b.r, n)
	open := b.fold("w:"+n.ID, depth, n.Number, title, right, t)
	if first, ok := n.Instances[0].(*plan.Section); ok {
		b.rows[len(b.rows)-1].Section = first
	}
	if !open {
		return
	}
	for _, at := range order {
		host := wording.Line(n.Keys[at])
		switch inst := n.Instances[at].(type) {
		case *plan.Section:
			t := b.tallies[inst]
			title := host
			if strings.Contains(inst.Title, "{{") {
				title = wording.Line(b.r.Plan.Text(inst.Title, inst.Scope, nil))
			}
			open := b.fold("i:"+inst.ID, depth+1, "", title, progress(t), t)
			switch m := t.mark(); m {
			case theme.Excluded:
				b.rows[len(b.rows)-1].Right = wording.Status(run.Excluded)
			case theme.Failed, theme.Unknown, theme.Undone:
				b.rows[len(b.rows)-1].Right = word[m] + " " + progress(t)
			default:
			}
			b.rows[len(b.rows)-1].Section = inst
			if open {
				for _, c := range inst.Children {
					b.node(c, depth+2)
				}
			}
		case *plan.Step:
			b.step(inst, depth+1, host)
		}
	}
}

// standing names the instances a walk is at: with batches there may be several
// at a time.
func (b *builder) standing(n *plan.Walk, order []int) string {
	var open []string
	reached := 0
	for i, at := range order {
		if t := b.tallies[n.Instances[at]]; t.open() && (t.busy || t.current || n.Batch > 1) {
			open, reached = append(open, wording.Line(n.Keys[at])), i+1
		}
	}
	switch {
	case len(open) == 0:
		return ""
	case len(open) > 2:
		open = []string{open[0], fmt.Sprintf("+%d", len(open)-1)}
	}
	return fmt.Sprintf("%s %d/%d", strings.Join(open, " "), reached, len(order))
}

// step adds a step's row, and one for each of its cells when there are several.
// host replaces its title where it is an instance of a walk over a step.
func (b *builder) step(n *plan.Step, depth int, host string) {
	t := b.tallies[n]
	row := Row{ID: "t:" + n.ID, Depth: depth, Number: n.Number, Title: wording.Title(b.r, n), Step: n, Key: t.first}
	if host != "" {
		row.Number, row.Title = "", host
	}
	if len(n.Cells) == 1 {
		c := b.r.Cells[n.Cells[0].Index]
		row.Mark, row.Right = b.mark(c), b.right(c)
		b.rows = append(b.rows, row)
		return
	}
	row.Foldable, row.Open = true, b.open(row.ID, t)
	row.Mark, row.Right = t.mark(), progress(t)
	if t.current {
		row.Key = b.s.Current
	}
	b.rows = append(b.rows, row)
	if !row.Open {
		return
	}
	for _, pc := range n.Cells {
		c := b.r.Cells[pc.Index]
		b.rows = append(b.rows, Row{
			ID: "c:" + c.Key.String(), Depth: depth + 1, Mark: b.mark(c), Title: wording.Place(c.Key.Target),
			Right: b.right(c), Step: n, Key: c.Key,
		})
	}
}

func (b *builder) mark(c *run.Cell) theme.Mark {
	if wording.Busy(b.s, c.Key) != nil {
		return theme.Running
	}
	if c.Status != run.Pending {
		return wording.Mark(c.Status)
	}
	switch {
	case c.Plan.Step.Gated || c.Rerun:
		return theme.Gate
	case c.Key == b.s.Current:
		return theme.Ready
	}
	return theme.Pending
}

// right is the word or the time at the end of a row.
func (b *builder) right(c *run.Cell) string {
	switch {
	case c.Status == run.Succeeded || c.Status == run.RolledBack && wording.Took(c) > 0:
		if d := wording.Took(c); d > 0 {
			return text.Duration(d)
		}
		return wording.Status(c.Status)
	case c.Status != run.Pending:
		return wording.Status(c.Status)
	case c.Plan.Step.Gated || c.Rerun:
		return "gate"
	case c.Key == b.s.Current && b.s.Busy == nil:
		return "next"
	}
	return ""
}
