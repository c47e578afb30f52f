package report_test

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/cmd/torture/tally"
	"stepgate/runbook/plan"
	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	corpus "stepgate/runbook/text/hostile"
)

func watchedPlan(t *testing.T) *plan.Plan {
	t.Helper()
	return planOf(t, "watched.md", nil)
}

var (
	writes = run.Watch{Monitor: "writes", Where: "ops-1"}
	port1  = run.Watch{Monitor: "ports", Where: "tablet-1"}
	port2  = run.Watch{Monitor: "ports", Where: "tablet-2"}
)

// sampled are samples that end a step apart: p, f, u as in a batch, and "." for a time
// in which nobody sampled, which begins others. Those that passed have a rate.
func (s *story) sampled(w run.Watch, from time.Time, step time.Duration, verdicts string) {
	s.t.Helper()
	var all []run.Samples
	for i, part := range strings.Split(verdicts, ".") {
		if i > 0 {
			from = from.Add(step)
		}
		if part == "" {
			continue
		}
		one := run.Samples{Watch: w, From: from, Verdicts: part, Numbers: map[string][]*float64{}, Texts: raw(`"10.0.0.1"`)}
		for j, v := range part {
			from = from.Add(step)
			one.After = append(one.After, step.Milliseconds())
			if w != writes {
				continue
			}
			var n *float64
			if v == 'p' {
				rate := 200 + float64(j%7)*4.5
				n = &rate
			}
			one.Numbers["rate"] = append(one.Numbers["rate"], n)
		}
		if w != writes {
			one.Numbers, one.Texts = nil, nil
		}
		all = append(all, one)
	}
	s.event(run.SampleBatch{Reserved: s.r.SampleNumbers + 1000, Samples: all})
}

// watchedRun is a run that is watched: a restart with an outage, which holds it until it is
// acknowledged; a time in which nobody sampled; an outage between steps.
func watchedRun(t *testing.T, at func(point string, s *story)) *story {
	t.Helper()
	s := &story{
		t: t, p: watchedPlan(t), now: time.Date(2026, 11, 21, 3, 14, 0, 0, time.UTC), actor: "wang",
		out: map[string][2]string{}, left: map[string]int64{},
	}
	s.event(run.RunStarted{
		Title: s.p.Title, Runbook: "watched.md", Dir: "/srv/runbooks", Source: "s", Inventory: "i", InventoryFile: "hosts.toml",
		Digest: s.p.Digest, Closure: "c105", Version: "0.3.0",
	})
	s.lease("ops@bastion-1, pid 4711")
	s.event(run.WatchBegun{Cell: run.Key{Step: "watch"}})
	begun := s.now
	s.sampled(writes, begun, time.Second, "ppppppp")
	s.sampled(port1, begun, 2*time.Second, "ppp")
	s.forward()

	from := s.now
	restart := s.cell("tablets[tablet-1]/restart", "tablet-1")
	a := s.send(restart, run.RoleCommand, "", "", "")
	s.sampled(writes, from, time.Second, "pppffffup")
	row := checks.Row{Text: "exit == 0", Verdict: checks.Fail, Saw: "exit: 1 <b>|</b>"}
	s.event(run.MonitorTurned{Watch: writes, Red: true, Since: from.Add(3 * time.Second), Rows: []checks.Row{row}})
	s.ends(restart, a, 0)
	at("red", s)
	s.event(run.MonitorTurned{Watch: writes, Since: from.Add(8 * time.Second)})
	at("held", s)
	s.event(run.MonitorAcknowledged{Watches: []run.Watch{writes}, Reason: "the leader *moved*, 预期之内 \x1b[31m"})
	s.event(run.ManualDone{Cell: run.Key{Step: "tablets[tablet-1]/tell"}})

	quiet := s.now.Add(-2 * time.Second)
	s.sampled(writes, quiet, time.Second, "pp.........pppffp")
	s.sampled(port2, quiet, 2*time.Second, "pp")
	s.now = s.now.Add(20 * time.Second)
	a = s.send(s.cell("tablets[tablet-2]/restart", "tablet-2"), run.RoleCommand, "", "", "")
	at("open", s)
	s.ends(s.cell("tablets[tablet-2]/restart", "tablet-2"), a, 0)
	s.event(run.BackgroundDown{Cell: run.Key{Step: "forward", Target: "ops-1"}, Attempt: s.r.Cell(run.Key{Step: "forward", Target: "ops-1"}).LatestStart("", "").Intent.Attempt, Ended: true})
	return s
}

// forward is a background command that ends by itself once, is started again, and is left
// running.
func (s *story) forward() {
	s.t.Helper()
	forward := s.cell("forward", "ops-1")
	first := s.send(forward, run.RoleCommand, "", "listening on 8080\n", "")
	s.event(run.BackgroundUp{Cell: forward.Key, Attempt: first})
	s.passes(forward, run.After)
	exit := 7
	s.event(run.BackgroundDown{Cell: forward.Key, Attempt: first, Exit: &exit, Why: "no route *to* host"})
	again := s.starts(forward, "")
	s.event(run.BackgroundUp{Cell: forward.Key, Attempt: again})
}

// starts starts a background process again.
func (s *story) starts(c *run.Cell, monitor string) string {
	s.t.Helper()
	c = s.r.Cell(c.Key)
	d := c.Attempts[0].Intent.Dispatch
	id := run.AttemptID("20261121-0314-k7", c.Key, c.NextNo(), d.Hash("machine1"))
	s.event(run.Intent{Cell: c.Key, Role: run.RoleKeep, Monitor: monitor, No: c.NextNo(), Attempt: id, Dispatch: d, Host: identity(1)})
	s.out[id] = [2]string{"listening again\n", ""}
	return id
}

// What monitors showed is told in the transcript, by show and by the timeline.
func TestWatchedGolden(t *testing.T) {
	t.Parallel()
	s := watchedRun(t, func(point string, s *story) {
		golden(t, "watched-show-"+point+".txt", written(t, func(w io.Writer) error { return report.Show(w, s.r) }))
		golden(t, "watched-monitors-"+point+".txt", written(t, func(w io.Writer) error { return report.Monitors(w, s.r, s.now, time.UTC) }))
		if point == "open" {
			golden(t, "watched-remaining.md", written(t, func(w io.Writer) error { return report.Remaining(w, s.transcript()) }))
		}
	})
	golden(t, "watched-transcript.md", written(t, func(w io.Writer) error { return report.Markdown(w, s.transcript()) }))
	golden(t, "watched-monitors.json", written(t, func(w io.Writer) error { return report.MonitorsJSON(w, s.r, s.now) }))
	golden(t, "watched-samples.jsonl", written(t, func(w io.Writer) error { return report.Samples(w, s.r) }))
	picked := report.Pick(s.r, s.records, report.Choice{})
	golden(t, "watched-timeline.txt", written(t, func(w io.Writer) error { return report.Timeline(w, s.r, picked, time.UTC) }))
	of := map[string]int{}
	for _, k := range report.Kinds() {
		of[k.Name] = len(report.Pick(s.r, s.records, k.Choice(nil)))
	}
	// Begun, up twice, down twice, started again, red, green, acknowledged.
	if of["samples"] == 0 || of["samples"]+of["all"] != len(s.records) || of["monitors"] != 9 {
		t.Errorf("of %d events: %v", len(s.records), of)
	}
}

// The same run is told in the same bytes, and the transcript for programs has what
// show has.
func TestWatchedIsToldOnce(t *testing.T) {
	t.Parallel()
	s := watchedRun(t, func(string, *story) {})
	md := written(t, func(w io.Writer) error { return report.Markdown(w, s.transcript()) })
	if !bytes.Equal(md, written(t, func(w io.Writer) error { return report.Markdown(w, s.transcript()) })) {
		t.Error("two transcripts of one run differ")
	}
	for n := 1; n <= len(s.records); n++ {
		r, err := run.Fold(s.p, s.records[:n])
		if err != nil {
			t.Fatal(err)
		}
		tr := report.Transcript{Run: r, Records: s.records[:n], Output: s.output, Now: s.now}
		for what, f := range map[string]func(io.Writer) error{
			"markdown": func(w io.Writer) error { return report.Markdown(w, tr) },
			"json":     func(w io.Writer) error { return report.JSON(w, tr) },
			"monitors": func(w io.Writer) error { return report.Monitors(w, r, s.now, time.UTC) },
			"samples":  func(w io.Writer) error { return report.Samples(w, r) },
			"left":     func(w io.Writer) error { return report.Remaining(w, tr) },
		} {
			if i, c := text.FindHidden(string(written(t, f))); i >= 0 {
				t.Fatalf("%s of %d events holds %U at %d", what, n, c, i)
			}
		}
	}
	var whole, shown struct {
		Monitors, GapsByStep, Background json.RawMessage
	}
	tr := s.transcript()
	for into, f := range map[any]func(io.Writer) error{
		&whole: func(w io.Writer) error { return report.JSON(w, tr) },
		&shown: func(w io.Writer) error { return report.MonitorsJSON(w, s.r, tr.Now) },
	} {
		if err := json.Unmarshal(written(t, f), into); err != nil {
			t.Fatal(err)
		}
	}
	if len(whole.Monitors) == 0 || !bytes.Equal(whole.Monitors, shown.Monitors) || !bytes.Equal(whole.GapsByStep, shown.GapsByStep) {
		t.Errorf("the transcript has %s\nshow has %s", whole.Monitors, shown.Monitors)
	}
}

// Whatever a sample shows and a person writes: what is told of monitors keeps its
// structure, and holds nothing that a terminal acts on.
func TestTortureT13Monitors(t *testing.T) {
	t.Parallel()
	cases, err := corpus.Corpus()
	if err != nil {
		t.Fatal(err)
	}
	s := watchedRun(t, func(string, *story) {})
	told := func(said string) (report.Transcript, []byte) {
		tail := *s
		tail.t = t
		tail.event(run.MonitorTurned{Watch: writes, Red: true, Since: s.now, Cause: said, Rows: []checks.Row{{Text: said, Label: said, Saw: said}}})
		tail.event(run.MonitorAcknowledged{Watches: []run.Watch{writes}, Reason: said + "."})
		tr := tail.transcript()
		return tr, written(t, func(w io.Writer) error { return report.Markdown(w, tr) })
	}
	_, plain := told("seen")
	headings, links, _ := skeleton(t, plain)
	n := min(tally.Size(t, 100), len(cases))
	for i := range n {
		c := cases[i*len(cases)/n]
		tr, md := told(c.Text[:min(len(c.Text), 8<<10)])
		if why := corpus.Harm(string(md)); why != "" {
			t.Errorf("%s: the Markdown holds %s", c.Name, why)
		}
		if h, l, html := skeleton(t, md); !slices.Equal(h, headings) || l != links || html != 0 {
			t.Errorf("%s: %d headings instead of %d, %d links instead of %d, %d pieces of HTML", c.Name, len(h), len(headings), l, links, html)
		}
		text := written(t, func(w io.Writer) error { return report.Monitors(w, tr.Run, tr.Now, time.UTC) })
		if why := corpus.Harm(string(text)); why != "" {
			t.Errorf("%s: show holds %s", c.Name, why)
		}
		js := written(t, func(w io.Writer) error { return report.MonitorsJSON(w, tr.Run, tr.Now) })
		if why := corpus.Acts(string(js)); why != "" {
			t.Errorf("%s: the JSON holds %s", c.Name, why)
		}
	}
	tally.Add(t, tally.Cases, n)
}
