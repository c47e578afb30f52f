package run

// Reach is how far a rollback would go.
type Reach struct {
	Scope RollbackScope
	Cells []Key  // newest intent first; empty: Why says why nothing can be undone
	Why   string // why nothing can be undone
	Says  string // what it would do, one line; names the wall it ends at
}

// RollBacks says for the step, the instance and the section around a cell what
// a rollback would undo. Scopes that the cell doesn't have are left out.
func (r *Run) RollBacks(c *Cell) []Reach {
	step := Reach{Scope: RollbackStep, Why: c.canRollBack().Why, Says: c.canRollBack().Says}
	if step.Why == "" {
		step.Cells = []Key{c.Key}
	}
	return []Reach{step}
}
