package plain

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"stepgate/runbook/run"
)

// What a person asks to be shown is shown, and changes nothing.
func TestLook(t *testing.T) {
	t.Parallel()
	tests := []struct {
		typed string
		says  []string
	}{
		{"status", []string{"补丁, run 7k2m", "failed: 3.2 Start on tablet-2", "10 of 13 settled"}},
		{"steps start", []string{"  3.2 Start – tablet-1: done\n", "  3.2 Start – tablet-2: failed (exit)  <- here\n", "  3.2 Start – tablet-3: done\n"}},
		{"show fetch", []string{"which> "}},
		{"show fetch tablet-3", []string{"2 Fetch on tablet-3: done\n", "irreversible", "    $ fetch \"$endpoint\"\n", "    attempt 1  "}},
		{"show nothing", []string{"no step is called that"}},
		{"OUTPUT", []string{"3.2 Start on tablet-2, attempt 1", "    | 完成"}},
		{"output open tablet-3", []string{"has run nothing yet"}},
		{"hosts", []string{"  tablet-1: not connected\n"}},
		{"matrix", []string{"tablet-2  done  failed"}},
		{"?", []string{"    16 edit and retry: ", "       reply: not now, nothing is asked", "timeline [WORDS]"}},
	}
	for _, tt := range tests {
		t.Run(tt.typed, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.soaked = true
			var out bytes.Buffer
			in := &person{out: &out, script: append(append([]string{}, toFailure...), tt.typed)}
			if _, err := Run(t.Context(), s, s, in, Options{Out: &out, Err: io.Discard}); err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			_, shown, _ := strings.Cut(out.String(), "failure: ")
			_, shown, _ = strings.Cut(shown, "number> ")
			for _, want := range tt.says {
				if !strings.Contains(shown, want) {
					t.Errorf("doesn't say %q:\n%s", want, shown)
				}
			}
			if n := len(s.got); n != 9 {
				t.Errorf("%d actions were asked for", n)
			}
		})
	}
}

// What isn't in the runbook is asked for step by step, and shown before it is sent.
func TestBesideTheRunbook(t *testing.T) {
	t.Parallel()
	start := run.Key{Step: "stores[tablet-2]/open", Target: "tablet-2"}
	tests := []struct {
		name  string
		typed []string
		want  []run.Action
		says  []string
	}{
		{"changed", []string{"edit", "start -f", ".", "y"}, []run.Action{run.Edit{Body: "start -f\n"}}, []string{"    - start\n    + start -f\n", "recorded as off-book"}},
		{"not confirmed", []string{"edit", "start -f", ".", "yes"}, nil, []string{"nothing done"}},
		{"the same", []string{"=edit and retry", "start", "."}, nil, []string{"nothing was changed"}},
		{"empty", []string{"edit", "."}, nil, []string{"nothing was changed"}},
		{"a command", []string{"ad hoc", "3", "uptime", "y"}, []run.Action{run.AdHoc{Where: "tablet-2", Body: "uptime"}}, []string{"this runs on tablet-2, and is recorded as off-book:\n    $ uptime\n"}},
		{"one that looks destructive", []string{"ad hoc", "1", "rm -rf /data", "n"}, nil, []string{"this runs on this machine", "it looks destructive: ", "nothing done"}},
		{"a shell", []string{"shell", "2", "y"}, []run.Action{run.AdHoc{Where: "tablet-1", TTY: true}}, []string{"what is typed there is not"}},
		{"a jump that can't be", []string{"jump", "version"}, nil, []string{"jump doesn't apply: "}},
		{"a jump", []string{"jump", "open tablet-2", "why not"}, []run.Action{run.Jump{To: start, Reason: "why not"}}, []string{"left out: "}},
		{"done before", []string{"run again", "stop tablet-1", "RERUN stores[tablet-1]/stop tablet-1"}, []run.Action{run.Again{Cell: run.Key{Step: "stores[tablet-1]/stop", Target: "tablet-1"}, Typed: "RERUN stores[tablet-1]/stop tablet-1"}}, []string{"not undone first"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.soaked = true
			var out bytes.Buffer
			in := &person{out: &out, script: append(append([]string{}, toFailure...), tt.typed...)}
			if _, err := Run(t.Context(), s, s, in, Options{Out: &out, Err: io.Discard}); err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			var got []run.Action
			got = append(got, s.got[9:]...)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("asked for %#v\nwant %#v\n%s", got, tt.want, out.String())
			}
			for _, want := range tt.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("doesn't say %q:\n%s", want, out.String())
				}
			}
		})
	}
}

// atWork is a run that is at work until its source ends, when nobody types any more.
type atWork struct{ *working }

func (a *atWork) Do(_ context.Context, _ run.Key, _ uint64, act run.Action) error {
	a.got = append(a.got, act)
	return nil
}

// What is typed while something goes on is done at once; a number means nothing.
func TestListens(t *testing.T) {
	t.Parallel()
	w := &atWork{&working{newWorld(t)}}
	var out bytes.Buffer
	in := &lines{left: []string{"status", "1", "", "note 看一眼", "pau", "q", "n", "leave", "y"}}
	res, err := Run(t.Context(), w, w, in, Options{Out: &out, Err: io.Discard, Resume: "stepgate resume 7k2m"})
	if err != nil || res.Waiting == nil || res.Waiting.Kind != KindLeft {
		t.Fatalf("result %+v, %v\n%s", res, err, out.String())
	}
	if want := []run.Action{run.AddNote{Text: "看一眼"}, run.Pause{}}; !reflect.DeepEqual(w.got, want) {
		t.Errorf("asked for %#v, want %#v", w.got, want)
	}
	for _, want := range []string{"演练, run 7k2m", "something is going on; ?", "(note: taken)", "what runs goes on by itself", "nothing done"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("doesn't say %q:\n%s", want, out.String())
		}
	}
	in = &lines{} // nobody types: the run goes on, and ends with its source
	close(w.changes)
	if res, err := Run(t.Context(), w, w, in, Options{Out: io.Discard, Err: io.Discard}); err != nil || res.Waiting == nil {
		t.Errorf("result %+v, %v", res, err)
	}
}

// A long text comes by screenfuls, until it is enough.
func TestScreenfuls(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typed []string
		lines int
	}{{[]string{"", ""}, 50}, {[]string{"", "q"}, 2 * screenful}, {[]string{"q"}, screenful}} {
		var out bytes.Buffer
		w := &walk{auto: auto{p: newPrinter(&out, nil)}, in: &lines{left: tt.typed}}
		err := w.pages(t.Context(), "text", func(to io.Writer) error {
			for i := range 50 {
				if _, err := fmt.Fprintf(to, "line %d\n", i); err != nil {
					return err
				}
			}
			return nil
		})
		if n := strings.Count(out.String(), "line "); err != nil || n != tt.lines {
			t.Errorf("typed %q: %d lines, %v, want %d", tt.typed, n, err, tt.lines)
		}
	}
}
