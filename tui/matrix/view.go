package matrix

import (
	"slices"

	"stepgate/runbook/run"
)

// View is a matrix with the operator's place in it. The zero value follows the
// run.
type View struct {
	snap   *scene
	sheets []Sheet
	at     int // of sheets
	grid   *Grid
	rolls  rolls
	moved  bool // the operator's hand: the cursor doesn't follow the run
	row    int
	col    int
	top    int // first row in sight
	left   int // first column in sight
	drawn  drawn
}

// Set takes a newer snapshot.
func (v *View) Set(s *run.Snapshot) {
	if v.snap != nil && v.snap.Snapshot == s {
		return
	}
	fresh := v.snap == nil || v.snap.Run.Plan != s.Run.Plan
	v.snap = newScene(s)
	if fresh {
		v.sheets = Sheets(s.Run.Plan)
		v.grid, v.moved, v.at = nil, false, v.home()
	}
	if len(v.sheets) == 0 {
		return
	}
	if i := slices.IndexFunc(v.sheets, func(sh Sheet) bool { return sh.holds(s.Current) }); i >= 0 && i != v.at && !v.moved {
		v.turn(i)
	}
	if v.grid == nil || v.grid.Stale(s.Run) {
		v.lay()
	}
	v.follow()
}

// Empty reports whether there is nothing to show: no walk, and no step that runs
// at several places.
func (v *View) Empty() bool { return len(v.sheets) == 0 }

// Several reports whether there is another sheet.
func (v *View) Several() bool { return len(v.sheets) > 1 }

// home is the sheet that the run stands in, else the next it comes to.
func (v *View) home() int {
	if i := slices.IndexFunc(v.sheets, func(s Sheet) bool { return s.holds(v.snap.Current) }); i >= 0 {
		return i
	}
	cur := v.snap.Run.Cell(v.snap.Current)
	for i, s := range v.sheets {
		if at := s.first(); cur == nil || at != nil && at.Index > cur.Plan.Index {
			return i
		}
	}
	return max(len(v.sheets)-1, 0)
}

// lay lays the sheet out anew; the cursor stays on its host and step.
func (v *View) lay() {
	old, row, col := v.grid, v.row, v.col
	v.grid = New(v.snap.Run, v.sheets[v.at])
	v.row, v.col = 0, 0
	if old == nil || row >= len(old.Rows) {
		return
	}
	was := old.Rows[row]
	for i, r := range v.grid.Rows {
		if r.Name == was.Name && r.Depth == was.Depth && slices.Equal(r.Walks, was.Walks) {
			v.row, v.col = i, min(col, len(v.grid.Cols)-1)
		}
	}
}

// follow has the cursor be where the run stands, while the operator hasn't moved.
func (v *View) follow() {
	if v.moved {
		return
	}
	if row, col, ok := v.grid.Find(v.snap.Run.Cell(v.snap.Current)); ok {
		v.row, v.col = row, col
	}
}

// Move moves the cursor by rows and columns.
func (v *View) Move(rows, cols int) {
	if v.Empty() {
		return
	}
	v.moved = true
	v.row = max(min(v.row+rows, len(v.grid.Rows)-1), 0)
	v.col = max(min(v.col+cols, len(v.grid.Cols)-1), 0)
}

// Page is how many rows were in sight.
func (v *View) Page() int { return max(v.drawn.rows-1, 1) }

// Turn goes to another sheet, and stays there.
func (v *View) Turn(n int) {
	if len(v.sheets) < 2 {
		return
	}
	v.turn((v.at + n + len(v.sheets)) % len(v.sheets))
	v.moved = true
}

// turn shows a sheet, with the cursor where the run stands in it.
func (v *View) turn(i int) {
	v.at, v.grid, v.moved, v.top, v.left, v.rolls.done = i, nil, false, 0, 0, ""
	v.lay()
	v.follow()
}

// Selected is the cell under the cursor: of several at one place the one that
// wants to be seen most; of none, the first that the row has.
func (v *View) Selected() (run.Key, bool) {
	if v.Empty() {
		return run.Key{}, false
	}
	if c, ok := worst(v.snap, v.grid.spots(v.snap.Run, v.row, v.col)); ok {
		return c.Key, true
	}
	for col := range v.grid.Cols {
		if c, ok := worst(v.snap, v.grid.spots(v.snap.Run, v.row, col)); ok {
			return c.Key, true
		}
	}
	return run.Key{}, false
}

// Click puts the cursor on what was drawn at a place inside the frame.
func (v *View) Click(x, y int) {
	d := v.drawn
	if v.Empty() || y < d.y || y >= d.y+d.rows || d.width == 0 {
		return
	}
	cols := 0
	if x >= d.x {
		cols = v.left + (x-d.x)/d.width - v.col
	}
	v.Move(v.top+y-d.y-v.row, cols)
}

// Wheel scrolls by rows; the cursor stays in sight.
func (v *View) Wheel(n int) { v.Move(n, 0) }
