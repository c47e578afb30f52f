package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepgate/runbook/text"
)

// However a service is out, each monitor's longest gap is what a writer of the
// workload's own measures, and the same everywhere it is told.
func TestTheLongestGapIsTheWritersOutage(t *testing.T) {
	t.Parallel()
	ids := []string{"http", "tcp", "shell", "http-db", "tcp-db", "shell-db"}
	for _, state := range []string{refusing, failing, hanging} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			var judged strings.Builder
			for _, id := range ids {
				judged.WriteString("  monitor(\"" + id + "\").longest_gap < duration(\"1s\")\n")
			}
			s := newScene(t, probes("every=500ms timeout=500ms grace=1h", "db")+waiting+afterwards(ids...)+"- [ ] Judge {#judge}\n\n  ```expect\n"+judged.String()+"  ```\n", "db")
			asks, connects := startWriter(t, s.service.asks), startWriter(t, s.service.connects)
			d := s.runs()
			d.begins("begun")
			asks.succeeds(t)
			s.service.is(state)
			time.Sleep(3 * time.Second) // the outage
			s.service.is(wellUp)
			asks.succeeds(t)
			write(t, filepath.Join(s.work, "over"), "")
			if code := d.ends(); code != exitFailed {
				t.Fatalf("it ended with %d:\n%s", code, d.said.String())
			}
			monitors, transcript := s.monitors(), s.says("export")
			for _, id := range ids {
				m, w := monitors[id], asks
				if strings.HasPrefix(id, "tcp") {
					w = connects
				}
				if w == connects && state != refusing {
					m.calm(t) // its port was there
					continue
				}
				outages := w.outages()
				if m.Longest == nil || len(outages) != 1 {
					t.Errorf("%s: %+v, outages %v", id, *m, outages)
					continue
				}
				m.agrees(t, m.Longest, outages)
				gap := text.Duration(time.Duration(m.Longest.MS) * time.Millisecond)
				if want := "**Longest gap: " + gap + "**"; !strings.Contains(transcript, want) {
					t.Errorf("the transcript lacks %q", want)
				}
				if want := id + "\").longest_gap: " + (time.Duration(m.Longest.MS) * time.Millisecond).String() + "\n"; !strings.Contains(d.said.String(), want) {
					t.Errorf("the check that failed doesn't show %q", want)
				}
			}
			if t.Failed() {
				t.Logf("%s\n%s", d.said.String(), transcript)
			}
		})
	}
}
