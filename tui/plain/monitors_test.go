package plain

import (
	"bytes"
	"context"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

const watchedBook = `+++
title   = "切换"
confirm = "really"
+++
# Book

- [ ] Watch {#watch}

  ` + "```sh {#writes .monitor every=1s}\n  insert\n  ```\n  ```capture\n  rate = number(stdout)\n  ```" + `
- [ ] Way in {#way}

  ` + "```sh {.background}\n  tunnel\n  ```" + `
- [ ] Cut {#cut .irreversible}

  ` + "```sh {.check}\n  true\n  ```\n  ```sh\n  cut\n  ```\n  ```sh {.check}\n  true\n  ```" + `
- [ ] By hand {#hand}
`

// watchedWorld is a run whose monitor turns red while its background process starts,
// without an engine. The process has ended once and runs again.
type watchedWorld struct{ *world }

var (
	writes = run.Watch{Monitor: "writes", Where: plan.Local}
	way    = run.Key{Step: "way", Target: plan.Local}
)

func newWatchedWorld(t *testing.T) *watchedWorld {
	t.Helper()
	b, ds := runbook.Parse("book.md", []byte(watchedBook), nil)
	if runbook.Failed(ds) {
		t.Fatal(ds)
	}
	p, ds := plan.New(b, nil, nil)
	if p == nil {
		t.Fatal(ds)
	}
	w := &watchedWorld{&world{t: t, plan: p, at: time.Date(2026, 3, 14, 22, 0, 0, 0, time.UTC), changes: make(chan struct{}, 1)}}
	w.then(run.RunStarted{Title: p.Title})
	return w
}

func (w *watchedWorld) Do(ctx context.Context, k run.Key, seq uint64, a run.Action) error {
	switch a := a.(type) {
	case run.Acknowledge:
		w.got = append(w.got, a)
		w.then(run.MonitorAcknowledged{Watches: []run.Watch{writes}, Reason: a.Reason})
		return nil
	case run.Go:
		switch k.Step {
		case "watch":
			w.got = append(w.got, a)
			w.then(run.WatchBegun{Cell: k})
			return nil
		case "way":
			w.got = append(w.got, a)
			w.begins()
			return nil
		}
	}
	err := w.world.Do(ctx, k, seq, a)
	if _, ends := run.Next(w.run).(run.End); ends {
		w.then(run.BackgroundDown{Cell: way, Attempt: "b2", Ended: true}, run.RunClosed{How: run.Done})
	}
	return err
}

// begins starts the process; meanwhile the monitor turns red.
func (w *watchedWorld) begins() {
	c := w.run.Cell(way)
	d, err := w.run.Dispatch(c, run.RoleCommand)
	if err != nil {
		w.t.Fatal(err)
	}
	exit, rate := 3, 212.0
	w.then(
		run.Intent{Cell: way, Role: run.RoleCommand, No: 1, Attempt: "b1", Dispatch: d},
		run.BackgroundUp{Cell: way, Attempt: "b1"},
		run.BackgroundDown{Cell: way, Attempt: "b1", Exit: &exit},
		run.Intent{Cell: way, Role: run.RoleKeep, No: 2, Attempt: "b2", Dispatch: d},
		run.BackgroundUp{Cell: way, Attempt: "b2"},
		run.SampleBatch{Reserved: 1000, Samples: []run.Samples{{
			Watch: writes, From: w.at, After: []int64{1000, 1000, 1000}, Verdicts: "pff", Numbers: map[string][]*float64{"rate": {&rate, nil, nil}},
		}}},
		run.MonitorTurned{Watch: writes, Red: true, Since: w.at.Add(time.Second), Rows: []checks.Row{{Text: "exit == 0", Verdict: checks.Fail, Saw: "exit: 7\x1b[31m"}}},
	)
}

// A monitor that was red holds the run, says what it saw, and lets it go on for a
// reason alone; what is red is told wherever somebody decides.
func TestWalkAcknowledges(t *testing.T) {
	t.Parallel()
	ack := run.Acknowledge{Reason: "切换本身", Episodes: 1}
	tests := []struct {
		name  string
		typed []string
		want  []run.Action
		says  []string
	}{
		{"left alone", []string{"=go", "=go", "q"}, []run.Action{run.Go{}, run.Go{}}, []string{
			"22:00:04 way local up Way in\n22:00:05 way local down Way in (exit 3)\n22:00:07 way local up Way in\n" +
				"22:00:09 writes local red not good since 22:00:03\n      fail exit == 0   exit: 7",
			"\nmonitor: before 3 Cut ", "monitor writes: RED for 0s: exit == 0   exit: 7", "red since 22:00:09, not good since 22:00:03",
			"acknowledge: ", "rate 212", "roll back: not now, ",
		}},
		{"without a reason", []string{"=go", "=go", "=acknowledge", "", "q"}, []run.Action{run.Go{}, run.Go{}}, []string{"nothing typed, nothing done"}},
		{"acknowledged", []string{"=go", "=go", "monitors", "", "=acknowledge", "切换本身", "q"}, []run.Action{run.Go{}, run.Go{}, ack}, []string{
			"longest gap  2s so far", "background: 2 Way in on this machine: 2 starts", "\ngo: 3 Cut", "monitor writes: RED for 1s",
		}},
		{"at a gate", []string{"=go", "=go", "=acknowledge", "切换本身", "=go", ""}, []run.Action{run.Go{}, run.Go{}, ack, run.Go{}, run.Answer{Gate: "g1"}}, []string{
			"GATE 3 Cut", "monitor writes: RED",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWatchedWorld(t)
			var out bytes.Buffer
			in := &person{out: &out, script: tt.typed}
			if _, err := Run(t.Context(), w, w, in, Options{Out: &out, Err: io.Discard}); err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			if !reflect.DeepEqual(w.got, tt.want) {
				t.Errorf("asked for %#v\nwant %#v\n%s", w.got, tt.want, out.String())
			}
			for _, want := range tt.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("doesn't say %q:\n%s", want, out.String())
				}
			}
			if strings.Contains(out.String(), "\x1b") {
				t.Errorf("it is raw: %q", out.String())
			}
		})
	}
}

// Nobody who isn't there acknowledges anything, and while a monitor is red a grant
// that was given ahead opens nothing.
func TestAutoIsHeldByMonitors(t *testing.T) {
	t.Parallel()
	all := Grants{Step: func(string) bool { return true }, Argv: "stepgate run --approve '*'", Manual: "lab"}
	w := newWatchedWorld(t)
	auto := func(line, why string) {
		t.Helper()
		var out, errs bytes.Buffer
		res, err := Auto(t.Context(), w, w, Options{Out: &out, Err: &errs, Resume: "stepgate resume 7k2m"}, all)
		if err != nil {
			t.Fatal(err)
		}
		if errs.String() != line || res.Waiting == nil || !strings.Contains(res.Waiting.Why, why) {
			t.Errorf("stderr %q, want %q; %+v\n%s", errs.String(), line, res.Waiting, out.String())
		}
	}
	auto("waiting: monitor writes local – do: stepgate resume 7k2m\n", "exit == 0   exit: 7")
	w.then(run.MonitorAcknowledged{Watches: []run.Watch{writes}, Reason: "seen"})
	auto("waiting: caution cut local – do: stepgate resume 7k2m\n", "no pre-grant opens a gate then")
	w.then(run.MonitorTurned{Watch: writes, Since: w.at})
	var out bytes.Buffer
	res, err := Auto(t.Context(), w, w, Options{Out: &out, Err: io.Discard, Known: true}, all)
	if err != nil || res.Closed == "" {
		t.Errorf("%v, %+v\n%s", err, res, out.String())
	}
	if !strings.Contains(out.String(), " monitor writes: ") || !strings.Contains(out.String(), "longest gap 2s") || strings.Contains(out.String(), "way local up") {
		t.Errorf("the sum at the end is missing, or what lies behind is told again:\n%s", out.String())
	}
}
