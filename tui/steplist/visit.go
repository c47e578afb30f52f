package steplist

import "stepgate/runbook/run"

// Visit puts the cursor on a cell, and unfolds what it is in. It reports whether
// the tree has that cell.
func (l *List) Visit(k run.Key) bool {
	if l.ix == nil {
		return false
	}
	n, i := l.node(k), l.asideOf(k)
	if n < 0 && i < 0 {
		return false
	}
	up := n
	if n >= 0 && i < 0 {
		up = l.ix.nodes[n].up
	}
	for ; up >= 0; up = l.ix.nodes[up].up {
		delete(l.folds, l.ix.nodes[up].id)
		l.kept[up] = true
	}
	l.unfold()
	if i >= 0 {
		l.put(l.off[i].at)
	} else {
		l.put(int(l.at[n]))
	}
	return true
}
