package plain

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/tui"
)

const book = `+++
title   = "演练"
confirm = "really"
+++
# Book

- [ ] Look {#look}

  ` + "```sh {.check}\n  true\n  ```" + `
- [ ] By hand {#hand}
- [ ] Cut {#cut .irreversible}

  > [!CAUTION]
  > This is final.

  ` + "```sh {.check}\n  true\n  ```\n  ```sh\n  echo 完成\n  ```\n  ```sh {.check}\n  true\n  ```" + `
`

// world is a run without an engine: what is asked for happens at once.
type world struct {
	t       *testing.T
	plan    *plan.Plan
	run     *run.Run
	at      time.Time
	changes chan struct{}
	got     []run.Action
	exit    int // of the command
}

func newWorld(t *testing.T) *world {
	t.Helper()
	b, ds := runbook.Parse("book.md", []byte(book), nil)
	if runbook.Failed(ds) {
		t.Fatal(ds)
	}
	p, ds := plan.New(b, nil, nil)
	if p == nil {
		t.Fatal(ds)
	}
	w := &world{t: t, plan: p, at: time.Date(2026, 3, 14, 22, 0, 0, 0, time.UTC), changes: make(chan struct{}, 1)}
	w.then(run.RunStarted{Title: p.Title})
	return w
}

func (w *world) then(evs ...run.Event) {
	w.t.Helper()
	for _, ev := range evs {
		w.at = w.at.Add(time.Second)
		var seq uint64
		if w.run != nil {
			seq = w.run.Seq
		}
		r, err := run.Apply(w.plan, w.run, run.Record{RunID: "7k2m", Seq: seq + 1, Wall: w.at, Actor: "li", Event: ev})
		if err != nil {
			w.t.Fatal(err)
		}
		w.run = r
	}
}

func (w *world) Snapshot() *run.Snapshot {
	s := &run.Snapshot{Run: w.run, At: w.at}
	switch d := run.Next(w.run).(type) {
	case run.Ask:
		s.Current, s.Wait, s.Seq = d.Cell.Key, d.Wait, d.Cell.Seq
		s.Actions = w.run.Offers(d, false, w.at)
	case run.Over:
		s.Wait = run.WaitClosed
	default:
		w.t.Fatalf("the run stands at %T", d)
	}
	return s
}

func (w *world) Changes() <-chan struct{} { return w.changes }

func (w *world) Events(context.Context, uint64, int) ([]run.Record, error) {
	return nil, nil
}

func (w *world) Output(_ context.Context, _ string, stream int, from int64, _ int) ([]byte, int64, int64, error) {
	out := "完成\x1b[2J\n"
	if stream == 1 || from >= int64(len(out)) {
		return nil, from, from, nil
	}
	return []byte(out[from:]), from, int64(len(out)), nil
}

func (w *world) Do(_ context.Context, k run.Key, _ uint64, a run.Action) error {
	w.got = append(w.got, a)
	c := w.run.Cell(k)
	looked := func(ph run.Phase) run.Event {
		return run.ChecksTaken{Cell: k, Phase: ph, Checks: []run.CheckResult{{Verdict: checks.Pass, Ran: true, Tries: 1}}}
	}
	switch a := a.(type) {
	case run.Go:
		w.then(looked(run.Before))
		if c.Plan.Step.Gated {
			d, err := w.run.Dispatch(c, run.RoleCommand)
			if err != nil {
				return err
			}
			w.then(run.GateShown{Cell: k, Gate: "g1", Binding: "b", Phrase: w.run.Phrase(c), Dispatch: &d})
		}
	case run.MarkDone:
		w.then(run.ManualDone{Cell: k, Evidence: a.Evidence})
	case run.Answer:
		if a.Typed != c.Gate.Phrase {
			w.then(run.GateClosed{Cell: k, Gate: a.Gate, Why: "declined"})
			break
		}
		v := checks.Pass
		if w.exit != 0 {
			v = checks.Fail
		}
		w.then(run.GateGranted{Cell: k, Gate: a.Gate, Binding: "b", Typed: a.Typed, Pre: a.Pre, Expires: w.at.Add(time.Hour)},
			run.Intent{Cell: k, Role: run.RoleCommand, No: 1, Attempt: "a1", Dispatch: *c.Gate.Dispatch, Gate: a.Gate},
			run.Outcome{Cell: k, Attempt: "a1", Exit: w.exit, Verdict: v, Bytes: [2]int64{11, 0}})
		if w.exit == 0 {
			w.then(looked(run.After))
		}
	}
	if _, all := run.Next(w.run).(run.Close); all {
		w.then(run.RunClosed{How: run.Done})
	}
	select {
	case w.changes <- struct{}{}:
	default:
	}
	return nil
}

func TestAuto(t *testing.T) {
	t.Parallel()
	all := Grants{Step: func(string) bool { return true }, Argv: "stepgate run --approve '*'", Manual: "lab"}
	tests := []struct {
		name   string
		exit   int
		json   bool
		grants Grants
		kind   string // of waiting; "" closes
		line   string
	}{
		{"nothing granted", 0, false, Grants{}, "manual", "waiting: manual hand - – do: stepgate resume 7k2m\n"},
		{"no gate granted", 0, false, Grants{Manual: "lab"}, "gate", "waiting: gate cut local – do: stepgate resume 7k2m\n"},
		{"another step granted", 0, false, Grants{Manual: "lab", Step: func(id string) bool { return id == "look" }}, "gate", "waiting: gate cut local – do: stepgate resume 7k2m\n"},
		{"all granted", 0, false, all, "", ""},
		{"the command fails", 3, false, all, "failure", "waiting: failure cut local – do: stepgate resume 7k2m\n"},
		{"as JSON", 0, true, Grants{}, "manual", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.exit = tt.exit
			var out, errs bytes.Buffer
			res, err := Auto(t.Context(), w, w, Options{Out: &out, Err: &errs, JSON: tt.json, Resume: "stepgate resume 7k2m"}, tt.grants)
			if err != nil {
				t.Fatal(err)
			}
			if tt.kind == "" && (res.Closed != run.Done || res.Waiting != nil) || tt.kind != "" && (res.Waiting == nil || res.Waiting.Kind != tt.kind) {
				t.Errorf("result %+v\n%s", res, out.String())
			}
			if errs.String() != tt.line {
				t.Errorf("stderr: %q, want %q", errs.String(), tt.line)
			}
			if tt.json && !strings.Contains(out.String(), `{"waiting":{"kind":"manual","step":"hand"`) {
				t.Errorf("no JSON line:\n%s", out.String())
			}
			if tt.kind == "" && (!strings.Contains(out.String(), "完成") || strings.Contains(out.String(), "\x1b")) {
				t.Errorf("output is missing, or raw:\n%q", out.String())
			}
			for _, a := range w.got {
				if ans, ok := a.(run.Answer); ok && ans.Pre != tt.grants.Argv {
					t.Errorf("the grant doesn't say where it comes from: %+v", ans)
				}
			}
		})
	}
}

// A run that is left while something goes on ends the driving.
func TestAutoEndsWithItsSource(t *testing.T) {
	t.Parallel()
	w := &working{newWorld(t)}
	close(w.changes)
	var errs bytes.Buffer
	res, err := Auto(t.Context(), w, w, Options{Out: io.Discard, Err: &errs, Resume: "stepgate resume 7k2m"}, Grants{})
	if err != nil || res.Waiting == nil || res.Waiting.Kind != KindLeft || !strings.HasPrefix(errs.String(), "waiting: left look local") {
		t.Errorf("result %+v, %v, %q", res, err, errs.String())
	}
}

// working is a run in which something is always going on.
type working struct{ *world }

func (w *working) Snapshot() *run.Snapshot {
	s := w.world.Snapshot()
	s.Wait, s.Busy = run.WaitNothing, &run.Activity{What: "check", Since: s.At}
	return s
}

// lines is a person who types; at the end nobody is there any more.
type lines struct {
	left    []string
	flushed int
}

func (l *lines) ReadLine(context.Context) (string, error) {
	if len(l.left) == 0 {
		return "", io.EOF
	}
	s := l.left[0]
	l.left = l.left[1:]
	return s, nil
}

func (l *lines) Flush() error { l.flushed++; return nil }

func TestRun(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		typed  []string
		closed run.Closing
		answer []string // to the gate
	}{
		{"nobody there", nil, "", nil},
		{"leaves", []string{"q"}, "", nil},
		{"nobody at the gate", []string{"1", "4", "looked", "1"}, "", nil},
		{"an empty line declines", []string{"1", "4", "looked", "1", ""}, "", []string{""}},
		{"the phrase", []string{"1", "4", "looked", "1", "really"}, run.Done, []string{"really"}},
		{"ticked without evidence", []string{"1", "4", "", "1", "really"}, run.Done, []string{"really"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, in := newWorld(t), &lines{left: tt.typed}
			var out bytes.Buffer
			res, err := Run(t.Context(), w, w, in, Options{Out: &out, Err: io.Discard, Resume: "stepgate resume 7k2m"})
			if err != nil || res.Closed != tt.closed {
				t.Fatalf("result %+v, %v\n%s", res, err, out.String())
			}
			var got []string
			for _, a := range w.got {
				if ans, ok := a.(run.Answer); ok {
					got = append(got, ans.Typed)
					if in.flushed < 4 { // three choices and the gate
						t.Errorf("what was typed before a question was dropped %d times", in.flushed)
					}
				}
			}
			if strings.Join(got, "|") != strings.Join(tt.answer, "|") || len(got) != len(tt.answer) {
				t.Errorf("the gate was answered with %q, want %q\n%s", got, tt.answer, out.String())
			}
			if !strings.Contains(out.String(), "    check: true\n") {
				t.Errorf("what will be checked isn't told before:\n%s", out.String())
			}
			if len(tt.answer) > 0 && !strings.Contains(out.String(), "echo 完成") {
				t.Errorf("the gate doesn't show what runs:\n%s", out.String())
			}
		})
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	qs := []tui.Question{
		{Name: "n", Validate: func(s string) error {
			if s != "3" {
				return errors.New("three is what it takes")
			}
			return nil
		}},
		{Name: "mode", Default: "stopped"},
	}
	var out bytes.Buffer
	got, err := Ask(t.Context(), &lines{left: []string{"2", "3", ""}}, &out, qs)
	if err != nil || got["n"] != "3" || got["mode"] != "stopped" || !strings.Contains(out.String(), "three is what it takes") {
		t.Errorf("answers %v, %v\n%s", got, err, out.String())
	}
	if _, err := Ask(t.Context(), &lines{}, &out, qs); !errors.Is(err, tui.ErrCancelled) {
		t.Errorf("at the end of input: %v", err)
	}
}
