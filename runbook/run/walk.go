package run

import (
	"maps"
	"slices"

	"stepgate/runbook/plan"
)

// walked is what happens to a walk.
func (r *Run) walked(rec Record) error {
	id := ""
	switch e := rec.Event.(type) {
	case WalkOrdered:
		id = e.Walk
	case BatchEntered:
		id = e.Walk
	case InstanceExcluded:
		id = e.Walk
	case InstanceIncluded:
		id = e.Walk
	}
	refuse := func(why string) error { return &TransitionError{Kind(rec.Event), Key{Step: id}, why} }
	w, ok := r.Plan.Walk(id)
	if !ok {
		return refuse("the plan has no such walk")
	}
	if r.Closed != "" {
		return refuse("the run is closed")
	}
	why := ""
	switch e := rec.Event.(type) {
	case WalkOrdered:
		why = r.ordered(w, e)
	case BatchEntered:
		why = r.batchEntered(w, e, rec)
	case InstanceExcluded:
		why = r.excluded(w, e, rec)
	case InstanceIncluded:
		why = r.included(w, e, rec)
	}
	if why != "" {
		return refuse(why)
	}
	if r.Called != nil && r.notEntered(r.Cell(*r.Called)) != "" {
		r.Called = nil // it has left its batch
	}
	return nil
}

func (r *Run) ordered(w *plan.Walk, e WalkOrdered) string {
	if !slices.Equal(slices.Sorted(slices.Values(w.Keys)), slices.Sorted(slices.Values(e.Hosts))) {
		return "the order drops or adds hosts"
	}
	if e.Why != "" {
		return r.postponed(w, e)
	}
	if _, done := r.Orders[w.ID]; done {
		return "it has an order already"
	}
	r.Orders[w.ID] = e.Hosts
	return ""
}

// Postponed is the order of a walk after one of its instances was moved to the
// end.
func (r *Run) Postponed(w *plan.Walk, key string) []string {
	var keys []string
	for _, i := range r.Order(w) {
		if k := w.Keys[i]; k != key {
			keys = append(keys, k)
		}
	}
	return append(keys, key)
}

// postponed moves an instance out of its batch, to the end.
func (r *Run) postponed(w *plan.Walk, e WalkOrdered) string {
	key := e.Hosts[len(e.Hosts)-1]
	if !slices.Equal(r.Postponed(w, key), e.Hosts) {
		return "more than one instance was moved"
	}
	if why := r.notPostponable(w, key); why != "" {
		return why
	}
	r.void(r.instance(w, key))
	r.Undoing = nil
	var batches [][]string
	for _, b := range r.Batches[w.ID] {
		if b = slices.DeleteFunc(slices.Clone(b), func(k string) bool { return k == key }); len(b) > 0 {
			batches = append(batches, b)
		}
	}
	r.Orders[w.ID], r.Batches[w.ID] = e.Hosts, batches
	return ""
}

// notPostponable says why an instance can't go to the end of its walk, or "".
func (r *Run) notPostponable(w *plan.Walk, key string) string {
	if why := atWork(r.instance(w, key)); why != "" {
		return why
	}
	for _, k := range w.Keys {
		if k != key && !settled(r.instance(w, k)) && (!r.entered(w)[k] || r.entered(w)[key]) {
			return ""
		}
	}
	return "nothing else of the walk is left to do"
}

func settled(cells []*Cell) bool {
	return !slices.ContainsFunc(cells, func(c *Cell) bool { return !c.Status.Settled() })
}

// atWork says why what stands in the way of an instance is to be settled first,
// or "".
func atWork(cells []*Cell) string {
	for _, c := range cells {
		switch {
		case c.Status == Running || c.Status == RollingBack:
			return "something of it is going on"
		case c.inDoubt():
			return "it is not known whether " + c.Key.String() + " has run; settle that first"
		}
	}
	return ""
}

// instance returns the cells of a walk's instance.
func (r *Run) instance(w *plan.Walk, key string) []*Cell {
	if i := slices.Index(w.Keys, key); i >= 0 {
		return r.under(pathOf(w.Instances[i]))
	}
	return nil
}

func pathOf(n plan.Node) string {
	switch n := n.(type) {
	case *plan.Section:
		return n.ID
	case *plan.Walk:
		return n.ID
	case *plan.Step:
		return n.ID
	}
	return ""
}

func (r *Run) batchEntered(w *plan.Walk, e BatchEntered, rec Record) string {
	batches := r.Batches[w.ID]
	in := r.entered(w)
	if len(e.Hosts) == 0 {
		return "the batch is empty"
	}
	if held := r.held(); held != nil {
		return held.holds()
	}
	for _, k := range e.Hosts {
		switch {
		case !slices.Contains(w.Keys, k):
			return "the walk has no instance " + k
		case in[k]:
			return k + " was entered already"
		}
		in[k] = true
	}
	if w.Each.Canary > 0 && len(batches) == 0 && len(e.Hosts) > w.Each.Canary {
		return "the canary comes first"
	}
	if w.Each.Canary > 0 && len(batches) == 1 {
		for _, k := range batches[0] {
			if !settled(r.instance(w, k)) {
				return "the canary is not through"
			}
		}
		if rec.Wall.Before(r.soaked(w)) {
			return "the soak behind the canary is not over"
		}
	}
	r.Batches[w.ID] = append(slices.Clone(batches), slices.Clone(e.Hosts))
	// Journals of versions without batches have gates in instances that no batch
	// has entered.
	var early []*Cell
	for _, c := range r.Cells {
		if c.Gate != nil && r.notEntered(c) != "" {
			early = append(early, c)
		}
	}
	r.void(early)
	return ""
}

// notEntered says why nothing new may begin at a cell: an instance around it
// isn't in any batch of its walk. Journals of versions without batches have
// none.
func (r *Run) notEntered(c *Cell) string {
	for s := c.Plan.Step.Scope; s != nil; s = s.Up {
		if s.Count == 0 {
			continue
		}
		w, ok := r.Plan.Walk(parent(s.Path))
		if !ok || len(r.Batches[w.ID]) == 0 {
			continue
		}
		key := w.Keys[s.Index]
		if !slices.ContainsFunc(r.Batches[w.ID], func(batch []string) bool { return slices.Contains(batch, key) }) {
			return "the batch of " + key + " has not been entered"
		}
	}
	return ""
}

func (r *Run) excluded(w *plan.Walk, e InstanceExcluded, rec Record) string {
	cells := r.instance(w, e.Instance)
	switch {
	case len(cells) == 0:
		return "the walk has no instance " + e.Instance
	case e.Reason == "":
		return "an exclusion needs a reason"
	case r.Excluded[w.ID][e.Instance] != "":
		return "it was taken out already"
	}
	if why := notExcludable(cells); why != "" {
		return why
	}
	r.Excluded[w.ID] = with(r.Excluded[w.ID], e.Instance, e.Reason)
	r.void(cells)
	for _, c := range cells {
		if c.Status.Settled() {
			continue
		}
		c = r.own(c)
		c.out, c.outReason = c.Status, c.Reason
		c.Status, c.Excluded = Excluded, e.Reason
		c.Ended, c.By, c.Seq = rec.Wall, rec.Actor, rec.Seq
		r.follows(c, e)
	}
	return ""
}

// notExcludable says why an instance must stay, or "".
func notExcludable(cells []*Cell) string {
	if why := atWork(cells); why != "" {
		return why
	}
	for _, c := range cells {
		if c.Plan.Step.Book.Required && !c.Status.Settled() {
			return "the runbook requires " + c.Key.Step
		}
	}
	if settled(cells) {
		return "it is settled"
	}
	return ""
}

func (r *Run) included(w *plan.Walk, e InstanceIncluded, rec Record) string {
	if r.Excluded[w.ID][e.Instance] == "" {
		return "it was not taken out"
	}
	if settled(r.under(w.ID)) {
		return "the section is settled"
	}
	left := maps.Clone(r.Excluded[w.ID])
	delete(left, e.Instance)
	r.Excluded[w.ID] = left
	for _, c := range r.instance(w, e.Instance) {
		// Taken out of an outer walk too, it stays out.
		if c.Status != Excluded || r.isOut(c) {
			continue
		}
		c = r.own(c)
		c.Status, c.Reason, c.Excluded = c.out, c.outReason, ""
		c.Ended, c.Seq = rec.Wall, rec.Seq
	}
	return ""
}

// Includable lists the instances that were taken out of walks that go on still.
func (r *Run) Includable() []Include {
	var out []Include
	for _, w := range r.Plan.Walks {
		if len(r.Excluded[w.ID]) == 0 || settled(r.under(w.ID)) {
			continue
		}
		for _, key := range w.Keys {
			if r.Excluded[w.ID][key] != "" {
				out = append(out, Include{Walk: w.ID, Instance: key})
			}
		}
	}
	return out
}

// isOut reports whether an instance around the cell was taken out.
func (r *Run) isOut(c *Cell) bool {
	for s := c.Plan.Step.Scope; s != nil; s = s.Up {
		if s.Count == 0 {
			continue
		}
		if w, ok := r.Plan.Walk(parent(s.Path)); ok && r.Excluded[w.ID][w.Keys[s.Index]] != "" {
			return true
		}
	}
	return false
}

// void closes the gates of cells, and of all that were shown together with them.
func (r *Run) void(cells []*Cell) {
	if len(cells) == 0 {
		return
	}
	leads := map[string]bool{}
	for _, c := range cells {
		if c.Gate != nil {
			leads[c.Gate.lead()] = true
		}
	}
	for c := range r.All() {
		if c.Gate != nil && leads[c.Gate.lead()] && (c.Status == Gated || c.Status == Authorised) {
			c = r.own(c)
			c.Status, c.Gate, c.Grant = Pending, nil, nil
		}
	}
}

// lead is the gate that it is answered by.
func (g *GateShown) lead() string {
	if g.Leader != "" {
		return g.Leader
	}
	return g.Gate
}

// with returns a map with one more entry, and leaves the old one as it is.
func with(m map[string]string, key, value string) map[string]string {
	n := maps.Clone(m)
	if n == nil {
		n = map[string]string{}
	}
	n[key] = value
	return n
}
