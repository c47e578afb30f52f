package run

import (
	"iter"
	"time"

	"stepgate/runbook/plan"
)

// stand is where a run stands below a node.
type stand struct {
	next Decision
	cell *Cell
	// stopped: only a person can get it going again.
	stopped bool
	// beside: checks next to a failed one, taken before the run stops at it.
	beside bool
}

// walker finds where a run stands. met keeps what it has found.
type walker struct {
	r   *Run
	met map[plan.Node]*stand
}

// at says where the run stands below a node; nil: all of it is settled.
func (w *walker) at(n plan.Node) *stand {
	if s, ok := w.met[n]; ok {
		return s
	}
	var s *stand
	switch n := n.(type) {
	case *plan.Step:
		s = w.step([]*plan.Step{n}, 1)
	case *plan.Section:
		s = w.section([]*plan.Section{n}, 1)
	case *plan.Walk:
		s = w.walk(n)
	}
	w.met[n] = s
	return s
}

// together says where the run stands in nodes that are one thing in several
// instances of a batch: steps go together, sections item by item, walks one
// after the other.
func (w *walker) together(nodes []plan.Node, parallel int) *stand {
	if len(nodes) == 1 {
		return w.at(nodes[0])
	}
	steps, sections := alike(nodes)
	switch len(nodes) {
	case len(steps):
		return w.step(steps, parallel)
	case len(sections):
		return w.section(sections, parallel)
	}
	return w.oneByOne(nodes)
}

// alike are the steps and the sections among nodes.
func alike(nodes []plan.Node) (steps []*plan.Step, sections []*plan.Section) {
	for _, n := range nodes {
		switch n := n.(type) {
		case *plan.Step:
			steps = append(steps, n)
		case *plan.Section:
			sections = append(sections, n)
		}
	}
	return steps, sections
}

func (w *walker) oneByOne(nodes []plan.Node) *stand {
	for _, n := range nodes {
		if s := w.at(n); s != nil {
			return s
		}
	}
	return nil
}

func (w *walker) section(sections []*plan.Section, parallel int) *stand {
	for i := range sections[0].Children {
		row := make([]plan.Node, 0, len(sections))
		for _, s := range sections {
			if i < len(s.Children) {
				row = append(row, s.Children[i])
			}
		}
		s := w.together(row, parallel)
		if s == nil {
			continue
		}
		if s.stopped && len(sections) == 1 {
			if next := w.beside(s.cell, sections[0].Children[i:]); next != nil {
				return next
			}
		}
		return s
	}
	return nil
}

// beside is the next of the check steps that follow one that doesn't hold, and
// that haven't been taken. They may stand under headings of their own; anything
// that isn't a check, a gate or a walk ends them.
func (w *walker) beside(failed *Cell, nodes []plan.Node) *stand {
	seen := false
	for s := range following(nodes) {
		if s == nil {
			return nil
		}
		if !seen {
			seen = s == failed.Plan.Step
			if !seen {
				continue
			}
		}
		if s.Kind != plan.Check || s.Gated {
			return nil
		}
		for _, pc := range s.Cells {
			c := w.r.Cells[pc.Index]
			switch {
			case c.Status != Pending:
			case c.undecided():
				return &stand{next: Decide{c}, cell: c, beside: true}
			default:
				return &stand{next: Take{c}, cell: c, beside: true}
			}
		}
	}
	return nil
}

// following gives the steps of nodes in the runbook's order, and nil where a
// walk begins.
func following(nodes []plan.Node) iter.Seq[*plan.Step] {
	return func(yield func(*plan.Step) bool) {
		var all func(nodes []plan.Node) bool
		all = func(nodes []plan.Node) bool {
			for _, n := range nodes {
				more := true
				switch n := n.(type) {
				case *plan.Step:
					more = yield(n)
				case *plan.Section:
					more = all(n.Children)
				case *plan.Walk:
					more = yield(nil)
				}
				if !more {
					return false
				}
			}
			return true
		}
		all(nodes)
	}
}

// step says where the run stands in a step, or in one step in several instances
// of a batch.
func (w *walker) step(steps []*plan.Step, parallel int) *stand {
	var cells []*Cell
	for _, s := range steps {
		if len(s.Cells) > 1 && len(steps) > 1 {
			nodes := make([]plan.Node, len(steps))
			for i, s := range steps {
				nodes[i] = s
			}
			return w.oneByOne(nodes)
		}
		for _, pc := range s.Cells {
			if c := w.r.Cells[pc.Index]; !c.Status.Settled() {
				cells = append(cells, c)
			}
		}
	}
	if len(cells) == 0 {
		return nil
	}
	for _, c := range cells {
		if c.stopped() {
			return w.r.stop(c)
		}
	}
	if cmd := steps[0].Book.Command; len(steps) == 1 && cmd != nil {
		parallel = max(1, cmd.Parallel)
	}
	return w.r.begin(cells, parallel)
}

// stop is where a person has to decide about a cell.
func (r *Run) stop(c *Cell) *stand {
	return &stand{cell: c, stopped: true, next: Ask{Cell: c, Wait: WaitFailure, Parallel: 1}}
}

// begin is what comes next at cells that go together, none of which has stopped.
func (r *Run) begin(cells []*Cell, parallel int) *stand {
	for _, c := range cells {
		if c.Status == Gated || c.Status == Authorised {
			return r.gate(c, cells, parallel)
		}
	}
	for _, c := range cells {
		if c.undecided() {
			return &stand{next: Decide{c}, cell: c}
		}
	}
	c := cells[0]
	ask := Ask{Cell: c, Wait: WaitGo, Parallel: 1}
	switch kind := c.Plan.Step.Kind; {
	case kind == plan.Ask:
		if v, ok := r.answered(c); ok {
			return &stand{next: Repeat{Cell: c, Value: v}, cell: c}
		}
		ask.Wait = WaitAsk
	case kind == plan.Manual && !c.needsGate():
		ask.Wait = WaitManual
	case c.Alone():
	default:
		for _, o := range cells[1:] {
			if !o.Alone() {
				ask.With = append(ask.With, o)
			}
		}
		ask.Parallel = parallel
	}
	return &stand{next: ask, cell: c}
}

// gate is the gate that is before the operator: the one that was shown for all,
// with those that it stands for.
func (r *Run) gate(c *Cell, cells []*Cell, parallel int) *stand {
	lead := c.Gate.Leader
	for _, o := range cells {
		if o.Gate != nil && o.Gate.Gate == lead {
			c = o
		}
	}
	ask := Ask{Cell: c, Wait: WaitGate, Parallel: 1}
	for _, o := range cells {
		if o != c && o.Gate != nil && o.Status == Gated && o.Gate.Leader == c.Gate.Gate {
			ask.With, ask.Parallel = append(ask.With, o), parallel
		}
	}
	return &stand{next: ask, cell: c}
}

// undecided reports whether the cell's `when` is to be taken.
func (c *Cell) undecided() bool {
	return c.Status == Pending && c.Plan.Step.Book.When != nil && c.When == nil
}

// stopped reports whether the cell waits for a person's decision.
func (c *Cell) stopped() bool {
	switch c.Status {
	case Failed, Unknown, RolledBack, RollbackFailed:
		return true
	case Pending, Gated, Authorised, Running, Succeeded, Skipped, NotApplicable, RollingBack, Excluded:
	}
	return false
}

// round is a walk as far as it has come.
type round struct {
	w        *walker
	walk     *plan.Walk
	stands   []*stand // of its instances, parallel to Walk.Keys
	failures int      // instances that have stopped or were taken out
	stopped  *stand   // the first that has, of those entered
}

// walk says where the run stands in a walk.
func (w *walker) walk(n *plan.Walk) *stand {
	rd := round{w: w, walk: n, failures: len(w.r.Excluded[n.ID])}
	entered := w.r.entered(n)
	for _, i := range w.r.Order(n) {
		if rd.stands == nil {
			rd.stands = make([]*stand, len(n.Keys))
		}
		s := w.at(n.Instances[i])
		rd.stands[i] = s
		switch {
		case s == nil || !s.stopped && !s.beside:
			continue
		case s.beside && entered[n.Keys[i]]:
			return s
		}
		if w.r.Excluded[n.ID][n.Keys[i]] == "" {
			rd.failures++
		}
		if rd.stopped == nil && entered[n.Keys[i]] {
			rd.stopped = s
		}
	}
	return rd.stand(entered)
}

func (rd *round) stand(entered map[string]bool) *stand {
	n, r := rd.walk, rd.w.r
	rest := rd.rest(entered)
	batches := r.Batches[n.ID]
	canary := n.Each.Canary > 0 && len(batches) == 1
	if rd.stopped != nil && (canary || rd.failures > n.Each.MaxFailures) {
		return rd.stopped
	}
	if n.Each.OrderBy != nil && r.Orders[n.ID] == nil && len(rest) > 0 {
		return &stand{next: Order{n}, cell: rd.cellOf(rest[0])}
	}
	for _, batch := range batches {
		if going := rd.going(batch); len(going) > 0 {
			return rd.w.together(going, len(batch))
		}
	}
	if len(rest) == 0 {
		return rd.stopped
	}
	next := rest[:min(len(rest), r.batchSize(n))]
	c := rd.cellOf(next[0])
	if !canary {
		return &stand{next: Enter{n, next}, cell: c}
	}
	return &stand{cell: c, next: Ask{Cell: c, Wait: WaitBatch, Parallel: 1, Walk: n, Keys: next, Soak: r.soaked(n)}}
}

// rest are the keys of the instances that haven't been entered and have
// something left to do, in walking order.
func (rd *round) rest(entered map[string]bool) []string {
	var keys []string
	for _, i := range rd.w.r.Order(rd.walk) {
		if k := rd.walk.Keys[i]; !entered[k] && rd.stands[i] != nil {
			keys = append(keys, k)
		}
	}
	return keys
}

// going are the instances of a batch that have something to do and haven't
// stopped.
func (rd *round) going(batch []string) []plan.Node {
	in := map[string]bool{}
	for _, k := range batch {
		in[k] = true
	}
	var nodes []plan.Node
	for _, i := range rd.w.r.Order(rd.walk) {
		if s := rd.stands[i]; in[rd.walk.Keys[i]] && s != nil && !s.stopped {
			nodes = append(nodes, rd.walk.Instances[i])
		}
	}
	return nodes
}

func (rd *round) cellOf(key string) *Cell {
	for i, k := range rd.walk.Keys {
		if k == key {
			return rd.stands[i].cell
		}
	}
	return nil
}

// entered are the instances of a walk whose batch was entered.
func (r *Run) entered(w *plan.Walk) map[string]bool {
	in := map[string]bool{}
	for _, batch := range r.Batches[w.ID] {
		for _, k := range batch {
			in[k] = true
		}
	}
	return in
}

// batchSize is how many instances go next.
func (r *Run) batchSize(w *plan.Walk) int {
	if w.Each.Canary > 0 && len(r.Batches[w.ID]) == 0 {
		return w.Each.Canary
	}
	return max(1, w.Batch)
}

// soaked is when the soak behind a walk's canary is over; zero: there is none.
func (r *Run) soaked(w *plan.Walk) time.Time {
	if w.Each.Soak == 0 || len(r.Batches[w.ID]) == 0 {
		return time.Time{}
	}
	var settled time.Time
	for _, k := range r.Batches[w.ID][0] {
		for _, c := range r.instance(w, k) {
			if c.Ended.After(settled) {
				settled = c.Ended
			}
		}
	}
	return settled.Add(w.Each.Soak)
}
