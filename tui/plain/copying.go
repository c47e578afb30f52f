package plain

import (
	"fmt"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
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

// pollStep is the least time between two lines about a poll.
const pollStep = 10 * time.Second

// polling tells how checks go that are taken again and again.
func (p *printer) polling(s *run.Snapshot) {
	if s.Busy == nil || s.At.Sub(p.polled) < pollStep {
		return
	}
	for i := range s.Busy.Looks {
		l := &s.Busy.Looks[i]
		if l.Done || l.Until == 0 || l.Last.Tries == 0 || s.At.Sub(l.Since) < pollStep {
			continue
		}
		p.polled = s.At
		saw := ""
		for _, r := range l.Last.Rows {
			if r.Verdict != checks.Pass && saw == "" {
				what, value := wording.Row(r)
				saw = strings.TrimSpace("; " + what + "   " + value)
			}
		}
		p.line(s.At, s.Current, wording.Phase(s.Busy.Phase), fmt.Sprintf("try %d, %s of %s%s", l.Try,
			text.Duration(s.At.Sub(l.Since).Truncate(time.Second)), text.Duration(l.Until), saw))
	}
}
