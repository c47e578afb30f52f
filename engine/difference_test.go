package engine_test

import (
	"strings"
	"testing"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/run"
)

// How what a check compared differs is journaled without secrets, and of a poll once.
func TestDifferencesAreKept(t *testing.T) {
	t.Parallel()
	book := front + step("see", sh(".check", `n=$(cat n || echo 0); echo $((n + 1)) >n; printf 'try %s\n%s\n' "$n" "$pw"`), expect(`stdout == "x\ny\n"`)) + step("tick")
	w := newWorldOn(t, book, nil, keeping, func(rb *runbook.Runbook) {
		p := &stepOf(rb, "see").Before[0].Poll
		p.Every, p.Until = time.Millisecond, 200*time.Millisecond
	})
	d := w.start()
	d.at(run.WaitGo, "see")
	d.do(run.Go{})
	res := at1(d.at(run.WaitFailure, "see")).Checks[run.Before].Checks[0]
	if diff := res.Rows[0].Diff; !strings.HasPrefix(diff, "--- \"x\\ny\\n\"\n+++ stdout\n@@ -1,2 +1,2 @@\n-x\n-y\n+try ") || !strings.HasSuffix(diff, "\n+‹secret›\n") {
		t.Errorf("%q", diff)
	}
	if len(res.Tried) < 2 {
		t.Fatalf("it was tried %d times", len(res.Tried))
	}
	for _, try := range res.Tried {
		if try.Rows[0].Diff != "" || try.Rows[0].Saw == "" {
			t.Errorf("try %d: %+v", try.No, try.Rows[0])
		}
	}
	w.onDisk(given)
}
