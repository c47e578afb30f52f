package steplist

import (
	"strings"

	"stepgate/runbook/run"
)

// Visit puts the cursor on a cell, and unfolds what it is in. It reports whether
// the tree has that cell.
func (l *List) Visit(k run.Key) bool {
	if l.snap == nil || l.snap.Run.Cell(k) == nil {
		return false
	}
	for opened := true; opened; {
		opened = false
		for i, r := range l.rows {
			if r.Key == k && r.Step != nil && !r.Foldable {
				l.put(i)
				return true
			}
			if r.Foldable && !r.Open && l.folds[r.ID] != unfolded && r.holds(k) {
				l.unfold(r.ID)
				opened = true
				break
			}
		}
	}
	return false
}

const unfolded = true

func (l *List) unfold(id string) {
	if l.folds == nil {
		l.folds = map[string]bool{}
	}
	l.folds[id] = unfolded
	l.rows = build(l.snap, l.folds)
}

// holds reports whether a cell lies below the row: its id is a kind and a path.
func (r Row) holds(k run.Key) bool {
	_, path, _ := strings.Cut(r.ID, ":")
	rest, below := strings.CutPrefix(k.Step, path)
	return below && (rest == "" || rest[0] == '/' || rest[0] == '[')
}
