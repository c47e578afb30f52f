package report_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"stepgate/runbook/report"
	"stepgate/runbook/run"
)

// Events that the story doesn't tell have words, too.
func TestTimelineHasWordsForEveryEvent(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	key := run.Key{Step: "tablets[tablet-2]/stop", Target: "tablet-2"}
	for want, e := range map[string]run.Event{
		"taken over by force: driven by li@b":                    run.LeaseTaken{Holder: "li@b", Forced: true},
		"the key of tablet-2 was accepted: ssh-ed25519 SHA256:x": run.HostKeyAccepted{Host: "tablet-2", Key: "ssh-ed25519 SHA256:x"},
		"asks for a pause: 停一下":                                  run.PauseRequested{Why: "停一下"},
		"asks that the run be aborted":                           run.AbortRequested{},
		"db-1 is back after 1m30s":                               run.Returned{Cell: key, Host: run.Identity{Hostname: "db-1"}, AwayMS: 90_000},
		"2 files, 1.5 kB, of which 500 B were sent":              run.Copied{Cell: key, Files: 2, Bytes: 1500, Sent: 500},
		"plan abc: a/b changed (command), c added":               run.Adopted{Digest: "abc", Changes: []run.Change{{Step: "a/b", How: "changed", What: "command"}, {Step: "c", How: "added"}}},
		"to stop once tablets is finished":                       run.StopRequested{After: "tablets"},
		"rollback of the instance planned: 2.2 Stop the tablet":  run.RollbackPlanned{Scope: run.RollbackInstance, Cells: []run.Key{key}},
		"answered: 蓝":          run.Asked{Cell: key, Value: "蓝"},
		"run out of its place": run.Called{Cell: key},
		"put back":             run.InstanceIncluded{Walk: "tablets", Instance: "tablet-1"},
		"taken out: broken":    run.InstanceExcluded{Walk: "tablets", Instance: "tablet-1", Reason: "broken"},
	} {
		rec := []run.Record{{Seq: 7, Wall: s.now, Actor: "li", Event: e}}
		got := string(written(t, func(w io.Writer) error { return report.Timeline(w, s.r, rec, time.FixedZone("CST", 8*3600)) }))
		if !strings.Contains(got, want) || !strings.HasPrefix(got, "2026-11-21 11:14:") {
			t.Errorf("%s is told as %q, want %q in the zone asked for", run.Kind(e), got, want)
		}
	}
}

// A line of JSON is one event, as the transcript has it.
func TestEventsAreLinesOfJSON(t *testing.T) {
	t.Parallel()
	s := upgrade(t, func(string, *story) {})
	lines := bytes.Split(bytes.TrimSpace(written(t, func(w io.Writer) error { return report.Events(w, s.records) })), []byte("\n"))
	if len(lines) != len(s.records) {
		t.Fatalf("%d lines of %d events", len(lines), len(s.records))
	}
	for i, l := range lines {
		var e struct {
			Seq  uint64
			Kind string
			Data json.RawMessage
		}
		if err := json.Unmarshal(l, &e); err != nil {
			t.Fatal(err)
		}
		if e.Seq != s.records[i].Seq || e.Kind != run.Kind(s.records[i].Event) {
			t.Errorf("line %d is %s %d", i+1, e.Kind, e.Seq)
		}
	}
}
