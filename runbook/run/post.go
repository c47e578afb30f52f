package run

import (
	"slices"

	"stepgate/runbook"
	"stepgate/runbook/plan"
)

// post is a monitor of the plan at one of its places.
type post struct {
	Watch
	step  *plan.Step
	fence *runbook.Fence
	cells []int // it begins with one of them; the first has its starts
}

// posts is what a plan keeps beside a run. It never changes.
type posts struct {
	list     []post // in the plan's order
	byWatch  map[Watch]int
	commands []int            // cells that have a background command
	around   map[string][]int // section that holds such a thing → its cells
}

func postsOf(p *plan.Plan) *posts {
	out := &posts{byWatch: map[Watch]int{}, around: map[string][]int{}}
	for _, s := range p.Steps {
		cmd := s.Book.Command
		keeps := cmd != nil && cmd.Background
		for _, pc := range s.Cells {
			if keeps {
				out.commands = append(out.commands, pc.Index)
			}
		}
		for _, f := range s.Book.Monitors {
			out.add(p, s, f)
		}
		if keeps || len(s.Book.Monitors) > 0 {
			out.around[parent(s.ID)] = nil
		}
	}
	if len(out.around) == 0 {
		return out
	}
	for _, pc := range p.Cells {
		for at := pc.Step.ID; at != ""; {
			at = parent(at)
			if cells, ok := out.around[at]; ok {
				out.around[at] = append(cells, pc.Index)
			}
		}
	}
	return out
}

// add finds the places of a monitor.
func (o *posts) add(p *plan.Plan, s *plan.Step, f *runbook.Fence) {
	for _, pc := range s.Cells {
		for _, where := range p.Places(pc, f) {
			w := Watch{monitorPath(s, f), where}
			i, ok := o.byWatch[w]
			if !ok {
				i = len(o.list)
				o.byWatch[w] = i
				o.list = append(o.list, post{Watch: w, step: s, fence: f})
			}
			one := &o.list[i]
			switch {
			case where == pc.Target: // the host's own
				one.cells = []int{pc.Index}
			case !ok || p.Cells[one.cells[0]].Target != where:
				one.cells = append(one.cells, pc.Index)
			}
		}
	}
}

// monitorPath is a monitor's path in an instance of its step.
func monitorPath(s *plan.Step, f *runbook.Fence) string {
	if f.ID == "" || f.ID == s.Book.ID {
		return s.ID
	}
	if up := parent(s.ID); up != "" {
		return up + "/" + f.ID
	}
	return f.ID
}

// settledAround reports whether the section that holds a step is settled: what it has
// beside the run ends there.
func (r *Run) settledAround(s *plan.Step) bool {
	for _, i := range slices.Backward(r.posts.around[parent(s.ID)]) {
		if !r.Cells[i].Status.Settled() {
			return false
		}
	}
	return true
}

// hasBegun reports whether the monitor at a post, by its index, has begun.
func (r *Run) hasBegun(i int) bool {
	return i < len(r.monitors) && r.monitors[i] != nil || r.watching(&r.posts.list[i])
}

// watching reports whether the step of the post's monitor has begun.
func (r *Run) watching(p *post) bool {
	return slices.ContainsFunc(p.cells, func(i int) bool { return r.Cells[i].watching() })
}

// sampling reports whether the post's monitor is to be sampled now.
func (r *Run) sampling(p *post) bool {
	return r.watching(p) && r.notEntered(r.Cells[p.cells[0]]) == "" && !r.settledAround(p.step)
}

// monitorAt is the monitor at a post, by its index.
func (r *Run) monitorAt(i int) *Monitor {
	if i < len(r.monitors) && r.monitors[i] != nil {
		return r.monitors[i]
	}
	p := &r.posts.list[i]
	return &Monitor{Watch: p.Watch, Cell: r.Plan.Cells[p.cells[0]], Fence: p.fence}
}

// watching reports whether the cell's monitors have begun.
func (c *Cell) watching() bool {
	switch c.Status {
	case Skipped, NotApplicable, Excluded:
		return false
	case Succeeded:
		return true
	case Pending, Gated, Authorised, Running, Failed, Unknown, RollingBack, RolledBack, RollbackFailed:
	}
	return c.Plan.Step.Kind != plan.Watch && !c.Begun.IsZero()
}
