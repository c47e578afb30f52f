package tui

import (
	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
)

// visit leaves a page for a cell on the run screen. The remedies step aside for it,
// as they do when the operator looks around; a gate doesn't.
func (a *app) visit(k run.Key) tea.Cmd {
	a.shut()
	a.drop(func(d dialog) bool {
		_, stopped := d.(*stopDialog)
		return stopped
	})
	a.tree.Visit(k)
	a.focus = paneTree
	a.showSelected()
	return a.read()
}
