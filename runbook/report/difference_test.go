package report_test

import (
	"io"
	"strings"
	"testing"

	"stepgate/checks"
	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// A difference is a block of its own below the line that compared, once, and nothing in
// it gets out of the block or onto the terminal.
func TestDifferencesAreTold(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.seen("ops-1", 9)
	row := checks.Row{Text: "stdout == before", Verdict: checks.Fail, Saw: "stdout: …", Diff: text.Unified("before", "stdout", "a\n", hostile)}
	s.check(s.cell("preflight/leader", "ops-1"), run.Before, run.CheckResult{
		Where: "ops-1", Verdict: checks.Fail, Ran: true, Tries: 1, Stdout: row.Diff,
		Rows: []checks.Row{row, row, {Text: "exit == 0", Verdict: checks.Pass}},
	})
	md := string(written(t, func(w io.Writer) error { return report.Markdown(w, s.transcript()) }))
	const told = "- ✗ `stdout == before`; saw `stdout: …`\n\n`````diff\n--- before\n+++ stdout\n@@ -1 +1,6 @@\n-a\n+ok ⟨OSC 52⟩red <script>"
	if strings.Count(md, told) != 1 {
		t.Errorf("not once as it should be:\n%s", md)
	}
	if strings.Count(md, "`````diff\n") != 2 {
		t.Error("what was printed isn't a block of a difference")
	}
	shown := string(written(t, func(w io.Writer) error { return report.Show(w, s.r) }))
	if strings.Count(shown, "\n      --- before\n      +++ stdout\n      @@ -1 +1,6 @@\n      -a\n      +ok ⟨OSC 52⟩red <script>") != 1 {
		t.Errorf("not shown:\n%s", shown)
	}
	if strings.ContainsAny(md+shown, "\x1b\x07\u202e") {
		t.Error("what was compared isn't sanitised")
	}
}
