package engine

import (
	"strings"

	"stepgate/runbook/run"
)

// acknowledge is a person's word that the run goes on although monitors were red.
func (e *Engine) acknowledge(a run.Acknowledge) (run.Event, error) {
	ev := run.MonitorAcknowledged{Reason: strings.TrimSpace(a.Reason)}
	for _, m := range e.state().Held() {
		ev.Watches = append(ev.Watches, m.Watch)
	}
	return ev, nil
}
