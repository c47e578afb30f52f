package state

import (
	"fmt"
	"testing"

	"stepgate/checks"
	"stepgate/runbook/run"
)

func TestEarlier(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := openAt(t, path)
	for i := range 5 {
		l, err := begin(s, fmt.Sprintf("r%d", i))
		if err != nil {
			t.Fatal(err)
		}
		k := run.Key{Step: fmt.Sprintf("step-%d", i)}
		mustAppend(t, s, l,
			run.ChecksTaken{Cell: k, Phase: run.Before, Checks: []run.CheckResult{{Verdict: checks.Pass, TookMS: 1000}}},
			run.Note{Text: "not about time"},
			run.Intent{Cell: run.Key{Step: fmt.Sprintf("command-%d", i), Target: "t"}, Role: run.RoleCommand, No: 1, Attempt: fmt.Sprintf("attempt-%d", i)})
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
	}
	all := func(run.RunStarted) bool { return true }
	got, err := s.Earlier(ctx, 2, all)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0][0].RunID != "r4" || got[1][0].RunID != "r3" {
		t.Fatalf("not the two latest runs: %+v", got)
	}
	intents := 0
	for _, rec := range got[0] {
		switch in := rec.Event.(type) {
		case run.ChecksTaken, run.LeaseTaken:
		case run.Intent:
			intents++
			if in.Cell != (run.Key{Step: "command-4", Target: "t"}) || in.Role != run.RoleCommand {
				t.Errorf("the command is told as %+v", in)
			}
		default:
			t.Errorf("event %T says nothing about time", rec.Event)
		}
	}
	if intents != 1 {
		t.Errorf("%d commands", intents)
	}
	if got := run.Usual(got); got["step-4"] == 0 || got["step-3"] == 0 || len(got) != 2 {
		t.Errorf("usual: %v", got)
	}
	if none, err := s.Earlier(ctx, 2, func(r run.RunStarted) bool { return r.Runbook == "another" }); err != nil || len(none) != 0 {
		t.Errorf("runs of another runbook: %v, %v", none, err)
	}

	raw(t, path, unguard, `UPDATE event SET payload=x'00' WHERE run_id='r4' AND run_seq=1`,
		`UPDATE event SET payload=x'00' WHERE run_id='r3' AND type='ChecksTaken'`)
	got, err = s.Earlier(ctx, 20, all)
	if err != nil || len(got) != 4 || len(got[0]) != 2 {
		t.Errorf("what is damaged should be left out: %+v, %v", got, err)
	}
}
