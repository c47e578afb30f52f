package report_test

import (
	"slices"
	"strings"
	"testing"

	"stepgate/checks"
	"stepgate/runbook/report"
	"stepgate/runbook/run"
)

// What an event is about has a name for people, and a tone.
func TestEntries(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	stop := run.Key{Step: "tablets[tablet-2]/stop", Target: "tablet-2"}
	verdict := func(p run.Phase, v checks.Verdict) run.Event {
		return run.ChecksTaken{Cell: stop, Phase: p, Checks: []run.CheckResult{{Verdict: v}}}
	}
	for _, tt := range []struct {
		e     run.Event
		about string
		tone  report.Tone
	}{
		{run.Note{Text: "看到了"}, "", report.Remark},
		{run.Note{Cell: stop, Text: "slow"}, "2.2 Stop the tablet on tablet-2", report.Remark},
		{run.GateGranted{Cell: stop}, "2.2 Stop the tablet on tablet-2", report.Decision},
		{run.Outcome{Cell: stop, Verdict: checks.Pass}, "2.2 Stop the tablet on tablet-2", report.Routine},
		{run.Outcome{Cell: stop, Exit: 1, Verdict: checks.Fail}, "2.2 Stop the tablet on tablet-2", report.Trouble},
		{verdict(run.After, checks.Unknown), "2.2 Stop the tablet on tablet-2", report.Trouble},
		{verdict(run.Already, checks.Fail), "2.2 Stop the tablet on tablet-2", report.Routine},
		{run.InstanceExcluded{Walk: "tablets", Instance: "tablet-1", Reason: "broken"}, "2 Tablets for tablet-1", report.Decision},
		{run.BatchEntered{Walk: "tablets", Hosts: []string{"tablet-1"}}, "2 Tablets", report.Routine},
		{run.WalkOrdered{Walk: "tablets"}, "2 Tablets", report.Routine},
		{run.WalkOrdered{Walk: "tablets", Why: "its disk"}, "2 Tablets", report.Decision},
		{run.LeaseTaken{Holder: "li", Forced: true}, "", report.Trouble},
		{run.CellSkipped{Cell: run.Key{Step: "gone\x1b[2J"}}, "gone", report.Decision},
	} {
		e := report.NewTeller(s.r).Tell(run.Record{Seq: 3, Actor: "li", Event: tt.e})
		if e.About != tt.about || e.Tone != tt.tone {
			t.Errorf("%s is about %q in tone %d, want %q, %d", run.Kind(tt.e), e.About, e.Tone, tt.about, tt.tone)
		}
	}
}

// A timeline can be cut down to words, and to what a person decided.
func TestPick(t *testing.T) {
	t.Parallel()
	s := upgrade(t, func(string, *story) {})
	told := func(c report.Choice) (out []string) {
		for _, rec := range report.Pick(s.r, s.records, c) {
			e := report.NewTeller(s.r).Tell(rec)
			out = append(out, e.About+": "+e.Text)
		}
		return out
	}
	all := told(report.Choice{})
	if len(all) != len(s.records) {
		t.Fatalf("%d of %d events without a choice", len(all), len(s.records))
	}
	words := told(report.Choice{Words: []string{"TABLET-2", "gate"}})
	if len(words) == 0 || slices.ContainsFunc(words, func(l string) bool { return !strings.Contains(l, "tablet-2") || !strings.Contains(l, "gate") }) {
		t.Errorf("by words:\n%s", strings.Join(words, "\n"))
	}
	for _, k := range report.Kinds()[1:4] {
		some := told(k.Choice(nil))
		if len(some) == 0 || len(some) >= len(all) {
			t.Errorf("%s: %d of %d", k.Name, len(some), len(all))
		}
	}
}
