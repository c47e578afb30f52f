package plain

import (
	"stepgate/runbook/run"
	"stepgate/tui/wording"
)

// copyStep is how many percent lie between two lines about a copy.
const copyStep = 10

// copying tells how far copies are, in steps.
func (p *printer) copying(s *run.Snapshot) {
	all := s.Beside
	if s.Busy != nil && len(all) == 0 {
		all = []run.Activity{*s.Busy}
	}
	for i := range all {
		a := &all[i]
		if a.What != run.Copying || a.File == "" {
			continue
		}
		if at := wording.Percent(a) / copyStep; p.copied[a.Attempt] != at {
			p.copied[a.Attempt] = at
			p.line(s.At, a.Cell, wording.Copying(a), wording.Line(a.File))
		}
	}
}
