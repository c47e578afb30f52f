package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"

	"stepgate/runbook"
)

// Difference is a step that two plans have differently.
type Difference struct {
	Step string   // id without instances
	How  string   // added, removed, changed, moved
	What []string // of a step that changed: which of its parts, and where it runs
}

// Diff tells how a plan differs from an earlier one, step by step: in the later
// plan's order, then what was removed. Steps that nothing differs in but their
// place among the others have moved; a difference in words alone (title, prose,
// caution) is a change, too.
func Diff(earlier, later *Plan) (out []Difference) {
	before, order := byStep(earlier)
	after, laterOrder := byStep(later)
	moved := movedIn(order, laterOrder)
	for _, id := range laterOrder {
		switch olds, ok := before[id]; {
		case !ok:
			out = append(out, Difference{Step: id, How: "added"})
		default:
			if what := differing(earlier, olds, later, after[id]); len(what) > 0 {
				out = append(out, Difference{Step: id, How: "changed", What: what})
			}
			if moved[id] {
				out = append(out, Difference{Step: id, How: "moved"})
			}
		}
	}
	for _, id := range order {
		if _, ok := after[id]; !ok {
			out = append(out, Difference{Step: id, How: "removed"})
		}
	}
	return out
}

// Same reports whether cells of two plans are the same in all that they run, and
// where; words may differ.
func Same(p *Plan, c *Cell, q *Plan, d *Cell) bool {
	return reflect.DeepEqual(p.identity(c), q.identity(d))
}

// identity is what a cell runs, with the hosts, groups and connections it uses.
func (p *Plan) identity(c *Cell) cellIdentity {
	d := &digester{p: p, hosts: map[string]bool{}, connections: map[string]*runbook.Connection{}, met: map[*string]int{}}
	out := cellIdentity{Cell: d.cell(c)}
	for _, name := range slices.Sorted(maps.Keys(d.connections)) {
		out.Connections = append(out.Connections, d.connection(d.connections[name]))
	}
	if d.groups {
		out.Groups = p.Groups
		for _, hosts := range p.Groups {
			d.use(hosts...)
		}
	}
	out.Places = d.places
	for name := range d.hosts {
		if h, ok := p.Hosts[name]; ok {
			out.Hosts = append(out.Hosts, digestHost{h.Name, h.SSH, h.Vars})
		}
	}
	sort.Slice(out.Hosts, func(i, j int) bool { return out.Hosts[i].Name < out.Hosts[j].Name })
	return out
}

type cellIdentity struct {
	Cell        digestCell
	Places      [][]string
	Connections []digestConnection
	Hosts       []digestHost
	Groups      map[string][]string
}

// byStep gathers the cells of a plan by their step without instances.
func byStep(p *Plan) (cells map[string][]*Cell, order []string) {
	cells = map[string][]*Cell{}
	for _, c := range p.Cells {
		id := WithoutInstances(c.Step.ID)
		if cells[id] == nil {
			order = append(order, id)
		}
		cells[id] = append(cells[id], c)
	}
	return cells, order
}

// WithoutInstances is a path without the hosts and values of its walks' instances.
func WithoutInstances(path string) string {
	var b strings.Builder
	depth := 0
	for _, ch := range path {
		switch {
		case ch == '[':
			depth++
		case ch == ']':
			depth--
		case depth == 0:
			b.WriteRune(ch)
		}
	}
	return b.String()
}

// differing are the parts in which a step differs, over all its cells.
func differing(p *Plan, olds []*Cell, q *Plan, news []*Cell) (what []string) {
	add := func(s string) {
		if !slices.Contains(what, s) {
			what = append(what, s)
		}
	}
	at := map[cellKey]*Cell{}
	for _, c := range olds {
		at[cellKey{c.Step.ID, c.Target}] = c
	}
	var gone, come []string
	for _, n := range news {
		k := cellKey{n.Step.ID, n.Target}
		o, ok := at[k]
		if !ok {
			come = append(come, k.step+"@"+k.target)
			continue
		}
		delete(at, k)
		for _, s := range parts(p.identity(o), q.identity(n)) {
			add(s)
		}
		if words(o) != words(n) {
			add("words")
		}
	}
	for _, o := range olds {
		if k := (cellKey{o.Step.ID, o.Target}); at[k] != nil {
			gone = append(gone, k.step+"@"+k.target)
		}
	}
	if len(come) > 0 {
		add("also " + few(come))
	}
	if len(gone) > 0 {
		add("no longer " + few(gone))
	}
	return what
}

// few names the first of many.
func few(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, " and ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func words(c *Cell) string {
	b := c.Step.Book
	return strings.Join(append([]string{b.Title, b.Prose, b.Caution}, b.Warnings...), "\x00")
}

// parts are those in which two cells differ.
func parts(a, b cellIdentity) (out []string) {
	x, y := a.Cell, b.Cell
	for _, part := range []struct {
		name string
		a, b any
	}{
		{"destination", x.SSH, y.SSH},
		{"kind", x.Kind, y.Kind},
		{"gate", []any{x.Gated, x.Confirm, x.Approvers}, []any{y.Gated, y.Confirm, y.Approvers}},
		{"class", []bool{x.Required, x.Irreversible, x.Idempotent, x.Always}, []bool{y.Required, y.Irreversible, y.Idempotent, y.Always}},
		{"when", x.When, y.When},
		{"question", []any{x.Question, x.PerHost}, []any{y.Question, y.PerHost}},
		{"done", x.Done, y.Done},
		{"checks before", x.Before, y.Before},
		{"command", x.Command, y.Command},
		{"checks after", x.After, y.After},
		{"monitors", x.Monitors, y.Monitors},
		{
			"rollback",
			[][]digestFence{x.RollbackBefore, x.RollbackCommand, x.RollbackAfter},
			[][]digestFence{y.RollbackBefore, y.RollbackCommand, y.RollbackAfter},
		},
		{"connections", a.Connections, b.Connections},
		{"hosts", []any{a.Hosts, a.Places, a.Groups}, []any{b.Hosts, b.Places, b.Groups}},
	} {
		if !alike(part.a, part.b) {
			out = append(out, part.name)
		}
	}
	return out
}

func alike(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// movedIn are the ids that stand elsewhere among those that both orders have: all
// but the longest run of them that keeps its order.
func movedIn(before, after []string) map[string]bool {
	at := map[string]int{}
	for i, id := range before {
		at[id] = i
	}
	var ids []string
	for _, id := range after {
		if _, ok := at[id]; ok {
			ids = append(ids, id)
		}
	}
	// tails[n] is where the longest ascending run of length n+1 ends so far.
	var tails []int
	prev := make([]int, len(ids))
	for i, id := range ids {
		n := sort.Search(len(tails), func(n int) bool { return at[ids[tails[n]]] > at[id] })
		prev[i] = -1
		if n > 0 {
			prev[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		} else {
			tails[n] = i
		}
	}
	moved := map[string]bool{}
	for _, id := range ids {
		moved[id] = true
	}
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i >= 0; i = prev[i] {
			delete(moved, ids[i])
		}
	}
	return moved
}
