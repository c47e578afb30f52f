package run

// InFlight are the decisions about everything that is in flight, in the plan's
// order: what they ask for may be done beside each other. [Next] gives the first
// of them.
func (r *Run) InFlight() []Decision {
	var all []Decision
	for c := range r.All() {
		if d := inFlight(c); d != nil {
			all = append(all, d)
		}
	}
	return all
}
