package report

import (
	"strings"

	"stepgate/runbook/run"
)

// preflighted tells what was looked at before the run began, with what was found that
// isn't as it should be. say makes a text fit to be written.
func preflighted(e run.Preflighted, say func(string) string) string {
	said := "preflight: " + count(e.Hosts, "host") + " reached, " + count(len(e.Findings), "finding")
	for i, f := range e.Findings {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		host := ""
		if f.Host != "" {
			host = " on " + say(f.Host)
		}
		said += sep + string(f.Severity) + host + ", " + say(strings.TrimSpace(f.What))
	}
	return said
}
