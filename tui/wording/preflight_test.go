package wording_test

import (
	"fmt"
	"testing"

	"stepgate/runbook/run"
	"stepgate/tui/wording"
)

func TestWhatIsAlikeOnManyHostsIsToldOnce(t *testing.T) {
	t.Parallel()
	p := &run.Preflight{Findings: []run.Finding{{ID: "lint", What: "x"}, {ID: "host", Host: "a", What: "who"}}}
	for i := range 7 {
		p.Findings = append(p.Findings, run.Finding{ID: "host.tool", Host: fmt.Sprintf("web-%d", i), Severity: run.Obstacle, What: "there is no jq"})
	}
	p.Findings = append(p.Findings, run.Finding{ID: "host.tool", Host: "db", Severity: run.Obstacle, What: "there is no psql"}, run.Finding{ID: "lint", What: "x"})
	var got string
	for _, f := range wording.Telling(p) {
		got += wording.Finding(f) + "\n"
	}
	if want := "x\nweb-0, web-1, web-2, web-3, web-4 and 2 more: there is no jq\ndb: there is no psql\nx\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
