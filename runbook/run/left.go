package run

import (
	"time"

	"stepgate/runbook/plan"
)

// Pace is how long the cells of a plan usually take, and how many of them go at a
// time. It doesn't change.
type Pace struct {
	plan  *plan.Plan
	usual []time.Duration // of each cell; negative: not known
	share []int           // how many cells take that time together, from 1
}

// NewPace brings together a plan and what earlier runs say of its steps, by their
// ids without instances.
func NewPace(p *plan.Plan, usual map[string]time.Duration) *Pace {
	pc := &Pace{plan: p, usual: make([]time.Duration, len(p.Cells)), share: make([]int, len(p.Cells))}
	for i, c := range p.Cells {
		d, known := usual[plan.WithoutInstances(c.Step.ID)]
		if !known && c.Step.Kind != plan.Enter && c.Step.Kind != plan.Ask {
			d = -1
		}
		pc.usual[i] = d
	}
	pc.shares(p.Root, 1)
	return pc
}

// shares follows how the rules bring cells together: a step of the instances of a
// batch, and of several places with parallel=. Walks within a batch go one after the
// other.
func (p *Pace) shares(n plan.Node, batch int) {
	switch n := n.(type) {
	case *plan.Section:
		for _, c := range n.Children {
			p.shares(c, batch)
		}
	case *plan.Walk:
		for _, c := range n.Instances {
			p.shares(c, max(1, min(n.Batch, len(n.Instances))))
		}
	case *plan.Step:
		share := batch
		if cmd := n.Book.Command; cmd != nil {
			share = max(share, min(cmd.Parallel, len(n.Cells)))
		}
		for _, c := range n.Cells {
			p.share[c.Index] = share
		}
	}
}

// Rest is what is likely to be left of a run. People's time at gates is nobody's to
// know and not in it.
type Rest struct {
	Work           time.Duration // of the cells of which it is known, and of soaks
	Known, Unknown int           // unsettled cells of which earlier runs say how long they take, or don't
	Until          time.Time     // the end of the change window; zero: none
	Window         time.Duration // to it; negative: it is over
}

// Whole reports whether Work is all there is; else it is at least that much.
func (r Rest) Whole() bool { return r.Unknown == 0 }

// Telling reports whether enough is known for Work to mean something: of half of
// what is left, or more.
func (r Rest) Telling() bool { return r.Known > 0 && r.Known >= r.Unknown }

// Over reports whether the change window is over.
func (r Rest) Over() bool { return !r.Until.IsZero() && r.Window <= 0 }

// Late reports whether what is left won't fit in the change window, or the window is
// over with something left.
func (r Rest) Late() bool {
	return !r.Until.IsZero() && r.Known+r.Unknown > 0 && (r.Window <= 0 || r.Work > r.Window)
}

// Left is what is left of a run of the plan.
func (p *Pace) Left(s *Snapshot, now time.Time) Rest {
	rest := Rest{Until: s.Until}
	if !s.Until.IsZero() {
		rest.Window = s.Until.Sub(now)
	}
	if s.Run.Closed != "" || s.Run.Plan != p.plan {
		return rest
	}
	for i, c := range s.Run.Cells {
		switch {
		case c.Status.Settled():
		case p.usual[i] < 0:
			rest.Unknown++
		default:
			rest.Known++
			rest.Work += p.usual[i] / time.Duration(p.share[i])
		}
	}
	p.underWay(&rest, s, s.Busy, s.Current, now)
	for i := range s.Beside {
		p.underWay(&rest, s, &s.Beside[i], s.Beside[i].Cell, now)
	}
	for _, w := range s.Run.Plan.Walks {
		rest.Work += soakAhead(s, w, now)
	}
	return rest
}

// Left is [Pace.Left] for a view that is looked at once.
func Left(s *Snapshot, now time.Time) Rest { return NewPace(s.Run.Plan, s.Usual).Left(s, now) }

// underWay takes off what an activity has done of its cell.
func (p *Pace) underWay(rest *Rest, s *Snapshot, a *Activity, k Key, now time.Time) {
	c := s.Run.Cell(k)
	if a == nil || c == nil || c.Plan.Index < 0 || c.Plan.Index >= len(p.usual) || s.Run.Cells[c.Plan.Index] != c || c.Status.Settled() {
		return
	}
	if u := p.usual[c.Plan.Index]; u > 0 {
		rest.Work -= min(u, a.Spent(c, now)) / time.Duration(p.share[c.Plan.Index])
	}
}

// soakAhead is how long the rest of a walk has to wait behind its canary yet.
func soakAhead(s *Snapshot, w *plan.Walk, now time.Time) time.Duration {
	batches := s.Run.Batches[w.ID]
	if w.Each == nil || w.Each.Soak == 0 || w.Each.Canary == 0 || w.Each.Canary >= len(w.Keys) || len(batches) > 1 {
		return 0
	}
	if s.Wait == WaitBatch && len(batches) == 1 {
		return max(0, min(s.Soak.Sub(now), w.Each.Soak))
	}
	return w.Each.Soak
}

// Spent is how long an activity's cell has been at work, from the attempt that is
// under way on.
func (a *Activity) Spent(c *Cell, now time.Time) time.Duration {
	since := a.Since
	if l := c.Latest(); l != nil && (c.Status == Running || c.Status == RollingBack) && l.At.Before(since) {
		since = l.At
	}
	return max(0, now.Sub(since))
}

// UsualOf is how long a cell's step took in earlier runs; 0: not known.
func (s *Snapshot) UsualOf(c *Cell) time.Duration { return s.Usual[c.Key.StepID()] }
