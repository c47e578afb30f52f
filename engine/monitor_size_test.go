package engine_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"stepgate/cmd/torture/tally"
	"stepgate/executor/executortest"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// A day of three monitors at a sample a second costs less than 20 MB; a tenth of it less
// than a tenth of that.
func TestADayOfMonitorsCostsLittle(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour * time.Duration(min(10, tally.Size(t, 1))) / 10
	const most = 20_000_000
	book := front + "## Change {#change}\n\n"
	var watches []run.Watch
	for _, id := range []string{"writes", "reads", "connections"} {
		book += step(id, sh(".monitor every=1h", "probe"), capture("rate = number(stdout)"))
		watches = append(watches, run.Watch{Monitor: "change/" + id, Where: plan.Local})
	}
	st := newStage(t, book+step("tick"))
	st.set("probe", executortest.Script{Stdout: "212\n"})
	d := st.start()
	for _, w := range watches {
		d.at(run.WaitGo, w.Monitor)
		d.do(run.Go{})
	}
	d.at(run.WaitManual, "change/tick")
	if err := d.e.FeedFor(t.Context(), watches, day); err != nil {
		t.Fatal(err)
	}
	d.leave("over")
	if err := st.store.Close(); err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	files, _ := filepath.Glob(filepath.Join(st.dir, "state", "stepgate.db*"))
	for _, f := range files {
		fi, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		size += fi.Size()
	}
	t.Logf("%s: %d bytes in %d files", day, size, len(files))
	if bound := int64(most * day.Seconds() / (24 * time.Hour).Seconds()); size > bound {
		t.Errorf("%s of three monitors cost %d bytes, more than %d", day, size, bound)
	}
}
