package steplist

import (
	"strings"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// kind is what a line of the tree stands for.
type kind uint8

const (
	ofSection  kind = iota
	ofWalk          // an `each`
	ofInstance      // a section, as one of a walk's
	ofStep
	ofTurn // a step, as one of a walk's instances
	ofCell // a place of a step that has several
)

// node is something of the plan that can have a line.
type node struct {
	kind    kind
	up      int32 // what it stands in; -1: nothing
	walk    int32 // of an instance: which one of the walk's
	cell    int32 // of an ofCell, or of a step with one place: in the plan's cells
	id      string
	section *plan.Section
	each    *plan.Walk
	step    *plan.Step
	kids    []int32 // in the plan's order
}

// index is the plan as the tree sees it. It doesn't change.
type index struct {
	plan  *plan.Plan
	nodes []node
	top   []int32
	of    []int32 // the deepest node of each of the plan's cells
	vary  []int32 // nodes whose titles depend on values
	byID  map[string]int32
}

func newIndex(p *plan.Plan) *index {
	ix := &index{plan: p, of: make([]int32, len(p.Cells)), byID: map[string]int32{}}
	for _, c := range p.Root.Children {
		ix.top = append(ix.top, ix.add(c, -1, -1))
	}
	for i, n := range ix.nodes {
		ix.byID[n.id] = int32(i)
		if n.varies() {
			ix.vary = append(ix.vary, int32(i))
		}
	}
	return ix
}

func (ix *index) put(n node) int32 {
	ix.nodes = append(ix.nodes, n)
	return int32(len(ix.nodes) - 1)
}

// add adds a node and what is in it; walk is its place in the walk it is an
// instance of, or -1.
func (ix *index) add(n plan.Node, up, walk int32) int32 {
	at := int32(-1)
	var kids []int32
	switch n := n.(type) {
	case *plan.Section:
		own := node{kind: ofSection, up: up, walk: walk, cell: -1, id: "s:" + n.ID, section: n}
		if walk >= 0 {
			own.kind, own.id = ofInstance, "i:"+n.ID
		}
		at = ix.put(own)
		for _, c := range n.Children {
			kids = append(kids, ix.add(c, at, -1))
		}
	case *plan.Walk:
		at = ix.put(node{kind: ofWalk, up: up, walk: -1, cell: -1, id: "w:" + n.ID, each: n})
		for i, c := range n.Instances {
			kids = append(kids, ix.add(c, at, int32(i)))
		}
	case *plan.Step:
		own := node{kind: ofStep, up: up, walk: walk, cell: -1, id: "t:" + n.ID, step: n}
		if walk >= 0 {
			own.kind = ofTurn
		}
		if len(n.Cells) == 1 {
			own.cell = int32(n.Cells[0].Index)
		}
		at = ix.put(own)
		ix.places(n, at, &kids)
	}
	ix.nodes[at].kids = kids
	return at
}

// places adds the cells of a step that has several.
func (ix *index) places(st *plan.Step, at int32, kids *[]int32) {
	for _, c := range st.Cells {
		ix.of[c.Index] = at
		if len(st.Cells) > 1 {
			id := "c:" + run.Key{Step: st.ID, Target: c.Target}.String()
			ix.of[c.Index] = ix.put(node{kind: ofCell, up: at, walk: -1, cell: int32(c.Index), id: id, step: st})
			*kids = append(*kids, ix.of[c.Index])
		}
	}
}

// foldable reports whether a node can be opened.
func (n *node) foldable() bool { return n.kind <= ofInstance || len(n.kids) > 0 }

// varies reports whether a node's title depends on values.
func (n *node) varies() bool {
	switch {
	case n.section != nil:
		return strings.Contains(n.section.Title, "{{")
	case n.each != nil:
		return strings.Contains(n.each.Title, "{{")
	}
	return strings.Contains(n.step.Title, "{{")
}
