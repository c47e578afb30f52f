package matrix

import (
	"slices"
	"strings"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/tui/wording"
)

// Sheet is what a matrix is made of: a walk, or the steps of a section, outside of
// walks, that run at several places.
type Sheet struct {
	Walk    *plan.Walk
	Section *plan.Section
	steps   []*plan.Step // of Section
}

// Sheets are those of a plan, in its order.
func Sheets(p *plan.Plan) []Sheet {
	var out []Sheet
	own := Sheet{Section: p.Root}
	for _, n := range p.Root.Children {
		switch n := n.(type) {
		case *plan.Step:
			own.add(p, n)
		case *plan.Section:
			s := Sheet{Section: n}
			walks := s.gather(p, n)
			if len(s.steps) > 0 {
				out = append(out, s)
			}
			out = append(out, walks...)
		case *plan.Walk:
			out = append(out, Sheet{Walk: n})
		}
	}
	if len(own.steps) > 0 {
		out = append([]Sheet{own}, out...)
	}
	return out
}

// add takes a step that runs at several places.
func (s *Sheet) add(p *plan.Plan, n *plan.Step) {
	if len(places(p, n)) > 1 {
		s.steps = append(s.steps, n)
	}
}

// places are where a step's cells run; of a check step, which is one cell wherever
// it looks, where its checks are taken.
func places(p *plan.Plan, n *plan.Step) []string {
	var out []string
	if len(n.Cells) == 1 && n.Kind == plan.Check {
		for _, f := range n.Book.Before {
			out = append(out, p.Places(n.Cells[0], f)...)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	for _, c := range n.Cells {
		out = append(out, c.Target)
	}
	return out
}

// gather takes the steps below a section, and returns the walks there.
func (s *Sheet) gather(p *plan.Plan, n *plan.Section) (walks []Sheet) {
	for _, c := range n.Children {
		switch c := c.(type) {
		case *plan.Step:
			s.add(p, c)
		case *plan.Section:
			walks = append(walks, s.gather(p, c)...)
		case *plan.Walk:
			walks = append(walks, Sheet{Walk: c})
		}
	}
	return walks
}

// Title is the sheet's number and title.
func (s Sheet) Title(r *run.Run) string {
	if s.Walk != nil {
		return strings.TrimSpace(s.Walk.Number + " " + wording.WalkTitle(r, s.Walk))
	}
	return strings.TrimSpace(s.Section.Number + " " + wording.Line(r.TextIn(s.Section.Scope, s.Section.Title)))
}

// holds reports whether a cell is in the sheet.
func (s Sheet) holds(k run.Key) bool {
	if s.Walk != nil {
		return strings.HasPrefix(k.Step, s.Walk.ID+"[")
	}
	return slices.ContainsFunc(s.steps, func(st *plan.Step) bool { return st.ID == k.Step })
}

// first is the first cell of the sheet in the plan's order.
func (s Sheet) first() *plan.Cell {
	if s.Walk == nil {
		return s.steps[0].Cells[0]
	}
	return firstBelow(s.Walk)
}

func firstBelow(n plan.Node) *plan.Cell {
	switch n := n.(type) {
	case *plan.Step:
		return n.Cells[0]
	case *plan.Section:
		for _, c := range n.Children {
			if f := firstBelow(c); f != nil {
				return f
			}
		}
	case *plan.Walk:
		for _, c := range n.Instances {
			if f := firstBelow(c); f != nil {
				return f
			}
		}
	}
	return nil
}

// Column is a step, whatever the instance.
type Column struct {
	ID     string // of the step, without instances
	Number string
	Title  string // what differs between instances is left open
}

// Row is a host, or what else is walked or worked at.
type Row struct {
	Depth int // of walks within walks
	Name  string
	Where string         // of a section's: the place
	Walks []Place        // the instances that it stands for; none of a section's
	Spots [][]*plan.Cell // by column; none: it has no such step
}

// Place is an instance of a walk.
type Place struct {
	Walk *plan.Walk
	Key  string
}

// Grid is a sheet laid out in the order in which its walks go.
type Grid struct {
	Sheet
	Cols   []Column
	Rows   []Row
	Walks  []*plan.Walk // all in it, the outer before the inner
	orders map[string][]string
	byID   map[string]int // column by ID
	at     int            // column behind which a new one goes
}

// New lays a sheet out.
func New(r *run.Run, s Sheet) *Grid {
	g := &Grid{Sheet: s, orders: map[string][]string{}, byID: map[string]int{}}
	if s.Walk != nil {
		g.columns(r, s.Walk)
		g.walk(r, s.Walk, 0, map[string]int{})
		return g
	}
	rows := map[string]int{}
	for i, st := range s.steps {
		g.Cols = append(g.Cols, Column{ID: plan.WithoutInstances(st.ID), Number: st.Number, Title: wording.Line(r.TextIn(st.Scope, st.Title))})
		for j, where := range places(r.Plan, st) {
			at, met := rows[where]
			if !met {
				at = len(g.Rows)
				rows[where] = at
				g.Rows = append(g.Rows, Row{Name: wording.Place(where), Where: where, Spots: make([][]*plan.Cell, len(s.steps))})
			}
			j = min(j, len(st.Cells)-1)
			g.Rows[at].Spots[i] = st.Cells[j : j+1]
		}
	}
	return g
}

// Stale reports whether the walks' order has changed since.
func (g *Grid) Stale(r *run.Run) bool {
	return slices.ContainsFunc(g.Walks, func(w *plan.Walk) bool { return !slices.Equal(g.orders[w.ID], r.Orders[w.ID]) })
}

// columns finds the columns: all steps of all instances, in the runbook's order.
func (g *Grid) columns(r *run.Run, w *plan.Walk) {
	g.Walks = append(g.Walks, w)
	g.orders[w.ID] = r.Orders[w.ID]
	before := g.at
	for _, inst := range w.Instances {
		g.at = before
		g.column(r, inst)
	}
}

func (g *Grid) column(r *run.Run, n plan.Node) {
	switch n := n.(type) {
	case *plan.Section:
		for _, c := range n.Children {
			g.column(r, c)
		}
	case *plan.Walk:
		g.columns(r, n)
	case *plan.Step:
		id := plan.WithoutInstances(n.ID)
		if i := slices.IndexFunc(g.Cols, func(c Column) bool { return c.ID == id }); i >= 0 {
			g.at = i + 1
			return
		}
		open := func(string) (any, bool) { return "…", true }
		c := Column{ID: id, Number: n.Number, Title: wording.Line(r.Plan.Text(n.Title, g.Walk.Scope, open))}
		g.Cols = slices.Insert(g.Cols, g.at, c)
		g.at++
	}
}

// walk adds the rows of a walk's instances. What several walks inside one instance
// have in common is one row: rows says where it is.
func (g *Grid) walk(r *run.Run, w *plan.Walk, depth int, rows map[string]int) {
	if len(g.byID) == 0 {
		for i, c := range g.Cols {
			g.byID[c.ID] = i
		}
	}
	for _, i := range r.Order(w) {
		key := w.Keys[i]
		at, met := rows[key]
		if !met {
			at = len(g.Rows)
			rows[key] = at
			g.Rows = append(g.Rows, Row{Depth: depth, Name: wording.Line(key), Spots: make([][]*plan.Cell, len(g.Cols))})
		}
		g.Rows[at].Walks = append(g.Rows[at].Walks, Place{w, key})
		g.instance(r, w.Instances[i], at, depth, map[string]int{})
	}
}

func (g *Grid) instance(r *run.Run, n plan.Node, at, depth int, inner map[string]int) {
	switch n := n.(type) {
	case *plan.Section:
		for _, c := range n.Children {
			g.instance(r, c, at, depth, inner)
		}
	case *plan.Walk:
		g.walk(r, n, depth+1, inner)
	case *plan.Step:
		g.Rows[at].Spots[g.byID[plan.WithoutInstances(n.ID)]] = n.Cells
	}
}

// Find is where a cell stands.
func (g *Grid) Find(c *run.Cell) (row, col int, ok bool) {
	if c == nil {
		return 0, 0, false
	}
	id := plan.WithoutInstances(c.Key.Step)
	col = slices.IndexFunc(g.Cols, func(k Column) bool { return k.ID == id })
	if col < 0 {
		return 0, 0, false
	}
	row = slices.IndexFunc(g.Rows, func(r Row) bool { return slices.Contains(r.Spots[col], c.Plan) })
	return max(row, 0), col, row >= 0
}

// Cells are the cells at a place of the grid.
func (g *Grid) Cells(r *run.Run, row, col int) []*run.Cell {
	if row < 0 || col < 0 || row >= len(g.Rows) || col >= len(g.Cols) {
		return nil
	}
	spot := g.Rows[row].Spots[col]
	out := make([]*run.Cell, len(spot))
	for i, c := range spot {
		out[i] = r.Cells[c.Index]
	}
	return out
}
