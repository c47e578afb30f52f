package report_test

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/runbook/report"
	"stepgate/runbook/run"
)

// strayed is a run in which people leave the runbook: a command beside it, one whose
// gate is declined, a text that is changed, a jump, one whose outcome is open.
func strayed(t *testing.T) *story {
	t.Helper()
	s := newStory(t)
	s.preflight()
	df := s.ask(run.AdHoc{Where: "tablet-2", Body: "df -h /data"})
	s.ends(df, s.send(df, run.RoleCommand, "", "/data 91%\n", ""), 0)
	rm := s.ask(run.AdHoc{Where: "tablet-2", Body: "rm -rf /data/old\nls /data"})
	d, err := s.r.Dispatch(rm, run.RoleCommand)
	if err != nil {
		t.Fatal(err)
	}
	s.event(run.GateShown{Cell: rm.Key, Gate: "gate-x", Binding: "b", Phrase: s.r.Phrase(rm), Dispatch: &d})
	s.event(run.GateClosed{Cell: rm.Key, Gate: "gate-x", Why: "declined"})
	s.seen("tablet-2", 2)
	pre := s.cell("tablets[tablet-2]/pre", "ops-1")
	s.ends(pre, s.send(pre, run.RoleCommand, "", "", "ERROR: 没有副本\n"), 1)
	e, err := s.r.Edited(s.r.Cell(pre.Key), "ops pre-upgrade --force\necho `done`\n")
	if err != nil {
		t.Fatal(err)
	}
	s.event(e)
	s.event(run.Retried{Cell: pre.Key, Why: "with another text"})
	s.ends(pre, s.send(pre, run.RoleCommand, s.gate(s.r.Cell(pre.Key), ""), "moved\n", ""), 1)
	replace := s.cell("tablets[tablet-2]/replace", "tablet-2")
	s.event(s.r.LeapTo(replace.Key).Jumped(replace.Key, "the tablet is down *already*"))
	ps := s.ask(run.AdHoc{Where: "ops-1", Interpreter: "bash", Body: "ps aux | grep openmldb"})
	a := s.send(ps, run.RoleCommand, "", "", "")
	s.event(run.Interrupted{Cell: ps.Key, Attempt: a, Why: "link lost"})
	s.event(run.Probed{Cell: ps.Key, Attempt: a, Fate: "died"})
	return s
}

// ask adds a command beside the runbook.
func (s *story) ask(a run.AdHoc) *run.Cell {
	s.t.Helper()
	e, err := s.r.AdHocAsked(a)
	if err != nil {
		s.t.Fatal(err)
	}
	s.event(e)
	return s.r.Cell(e.Cell)
}

func TestWhatLeavesTheRunbookIsTold(t *testing.T) {
	t.Parallel()
	s := strayed(t)
	for name, write := range map[string]func(io.Writer) error{
		"offbook-transcript.md": func(w io.Writer) error { return report.Markdown(w, s.transcript()) },
		"offbook-remaining.md":  func(w io.Writer) error { return report.Remaining(w, s.transcript()) },
		"offbook-timeline.txt":  func(w io.Writer) error { return report.Timeline(w, s.r, s.records, time.UTC) },
		"offbook-show.txt":      func(w io.Writer) error { return report.Show(w, s.r) },
		"offbook-show.json":     func(w io.Writer) error { return report.ShowJSON(w, s.r) },
	} {
		golden(t, name, written(t, write))
	}
	var o struct {
		OffBook []struct {
			Step, Target, Status string
			AdHoc                run.AdHocAsked `json:"ad_hoc"`
			Attempts             []struct{ Stdout struct{ Text string } }
		} `json:"off_book"`
		Cells []struct {
			Step, Status string
			Edited       *run.Edited
		}
		Exceptions []struct{ What, Step, Detail string }
	}
	js := written(t, func(w io.Writer) error { return report.JSON(w, s.transcript()) })
	if err := json.Unmarshal(js, &o); err != nil {
		t.Fatal(err)
	}
	if len(o.OffBook) != 3 || o.OffBook[0].AdHoc.Body != "df -h /data\n" || o.OffBook[0].Attempts[0].Stdout.Text != "/data 91%\n" || o.OffBook[1].Status != "skipped" {
		t.Errorf("off-book %+v", o.OffBook)
	}
	at := slices.IndexFunc(o.Cells, func(c struct {
		Step, Status string
		Edited       *run.Edited
	},
	) bool {
		return c.Edited != nil
	})
	if at < 0 || o.Cells[at].Step != "tablets[tablet-2]/pre" || !strings.Contains(o.Cells[at].Edited.Body, "--force") {
		t.Errorf("no cell has the text it was given")
	}
	var what []string
	for _, x := range o.Exceptions {
		what = append(what, x.What+" "+x.Step)
	}
	for _, want := range []string{
		"asked for beside the runbook adhoc/1", "asked for beside the runbook adhoc/3",
		"run with another text than the runbook's tablets[tablet-2]/pre", "gone on at a later step tablets[tablet-2]/replace",
	} {
		if !slices.Contains(what, want) {
			t.Errorf("no exception %q in %q", want, what)
		}
	}
}
