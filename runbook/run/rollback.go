package run

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Reach is how far a rollback would go.
type Reach struct {
	Scope RollbackScope
	Path  string // of the instance or section; of a walk's instances, the walk's
	Cells []Key  // newest intent first; none: Why says why
	Why   string // why nothing can be undone
	Says  string // what it would do, one line; names the wall it ends at
}

// RollBacks says for the step, the instance and the section around a cell what
// a rollback would undo. Scopes that the cell doesn't have are left out.
func (r *Run) RollBacks(c *Cell) []Reach {
	if c == nil {
		return nil
	}
	step := c.canRollBack()
	if wall := r.wall(c); wall != nil && step.Why == "" {
		step.Why = r.wallText(wall)
	}
	own := Reach{Scope: RollbackStep, Path: c.Key.Step, Why: step.Why, Says: step.Says}
	if own.Why == "" {
		own.Cells = []Key{c.Key}
	}
	reaches := []Reach{own}
	if s := c.Plan.Step.Scope; s != nil {
		for s.Up != nil && s.Count == 0 {
			s = s.Up
		}
		if s.Count > 0 {
			reaches = append(reaches, r.reach(RollbackInstance, s.Path))
		}
	}
	around := parent(c.Key.Step)
	if strings.HasSuffix(around, "]") {
		around = parent(around)
	}
	return append(reaches, r.reach(RollbackSection, around))
}

// reach is what can be rolled back below a path.
func (r *Run) reach(scope RollbackScope, path string) Reach {
	out := Reach{Scope: scope, Path: path}
	var cells []*Cell
	var wall *Cell
	closed, walls := 0, r.walls()
	for _, c := range r.under(path) {
		if c.undoable() != "" {
			continue
		}
		if w := wallOf(c, walls); w != nil {
			wall, closed = w, closed+1
			continue
		}
		cells = append(cells, c)
	}
	slices.SortFunc(cells, func(a, b *Cell) int { return cmp.Compare(b.sent(), a.sent()) })
	for _, c := range cells {
		out.Cells = append(out.Cells, c.Key)
	}
	switch {
	case len(cells) == 0 && wall != nil:
		out.Why = r.wallText(wall)
	case len(cells) == 0:
		out.Why = "nothing in it has run that has a rollback"
	default:
		out.Says = fmt.Sprintf("undo %d, newest first; each is shown first", len(cells))
		if closed > 0 {
			out.Says += fmt.Sprintf("; %d more stay: %s", closed, r.wallText(wall))
		}
	}
	return out
}

// undoable says why a cell's command can't be undone, walls apart, or "".
func (c *Cell) undoable() string {
	switch {
	case c.Plan.Step.Book.Rollback == nil:
		return "the step has no rollback"
	case !c.dispatched():
		return "its command has not run"
	case c.Status != Failed && c.Status != Succeeded && c.Status != RollbackFailed && (c.Status != Unknown || c.inDoubt()):
		return "it can't be rolled back now"
	}
	return ""
}

// sent is the number of the event by which the latest command was sent; 0: none
// was.
func (c *Cell) sent() uint64 {
	if a := c.Attempt(RoleCommand); a != nil && c.dispatched() {
		return a.Record.Seq
	}
	return 0
}

// wall is the irreversible cell that closes the rollback of what was sent before
// it; nil: none does. It closes it in its own instance, and outside of it of whatever encloses no single
// host. Sibling instances keep theirs.
func (r *Run) wall(c *Cell) *Cell { return wallOf(c, r.walls()) }

// walls are the cells that can't be undone and may have run, newest first.
func (r *Run) walls() []*Cell {
	var walls []*Cell
	for _, w := range r.Cells {
		may := w.happened || w.Status == Succeeded || w.Status == Running || w.Status == Unknown
		if w.Plan.Step.Book.Irreversible && may && w.sent() > 0 {
			walls = append(walls, w)
		}
	}
	slices.SortFunc(walls, func(a, b *Cell) int { return cmp.Compare(b.sent(), a.sent()) })
	return walls
}

// wallOf is the newest of the walls that closes a cell's rollback.
func wallOf(c *Cell, walls []*Cell) *Cell {
	for _, w := range walls {
		if w.sent() <= c.sent() {
			return nil
		}
		if walled(c, w) {
			return w
		}
	}
	return nil
}

func walled(c, wall *Cell) bool {
	own, other := ownInstance(wall), ownInstance(c)
	switch {
	case within(c.Key.Step, own):
		return true
	case c.Plan.Step.Scope.InnerHost() != "":
		return false
	}
	return !strings.HasSuffix(other, "]") || parent(other) != parent(own)
}

// ownInstance is the path of the innermost host around a cell, else of the
// innermost value; "" outside of walks.
func ownInstance(c *Cell) string {
	path := ""
	for s := c.Plan.Step.Scope; s != nil; s = s.Up {
		switch {
		case s.Host != "":
			return s.Path
		case s.Count > 0 && path == "":
			path = s.Path
		}
	}
	return path
}

// wallText says which step can't be undone, and why, in one line.
func (r *Run) wallText(wall *Cell) string {
	s := wall.Plan.Step
	text := fmt.Sprintf("%s can't be undone", r.Text(wall, s.Title))
	if s.Book.Caution != "" {
		text += ": " + strings.Join(strings.Fields(r.Text(wall, s.Book.Caution)), " ")
	}
	return text
}

// undoPlanned queues rollbacks, or drops the queue.
func (r *Run) undoPlanned(e RollbackPlanned) string {
	var last *Cell
	for _, k := range e.Cells {
		c := r.Cell(k)
		if c == nil {
			return "the plan has no cell " + k.String()
		}
		if why := c.undoable(); why != "" {
			return k.String() + ": " + why
		}
		if wall := r.wall(c); wall != nil {
			return k.String() + ": " + r.wallText(wall)
		}
		if last != nil && c.sent() >= last.sent() {
			return "it is not newest first"
		}
		last = c
	}
	if len(e.Cells) > 0 {
		switch e.Scope {
		case RollbackStep, RollbackInstance, RollbackSection:
		default:
			return "its scope is not known"
		}
	}
	r.Undoing, r.tried = slices.Clone(e.Cells), Key{}
	return ""
}

// undone takes a cell from the queue.
func (r *Run) undone(k Key) {
	if i := slices.Index(r.Undoing, k); i >= 0 {
		r.Undoing = slices.Delete(slices.Clone(r.Undoing), i, i+1)
	}
}
