package plain_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/tui/plain"
)

// looks is a preflight that shows one view after the other, a view for each time that
// it is asked to look, and asks what a login asks in between.
type looks struct {
	views    []*run.Preflight
	at       int
	prompt   *run.Prompt
	told     *run.Foretold
	answered []run.Respond
	changes  chan struct{}
}

func (l *looks) Snapshot() *run.Preflight {
	if l.at == 0 {
		return &run.Preflight{}
	}
	s := *l.views[l.at-1]
	if s.Prompt = l.prompt; s.Prompt != nil {
		s.Busy = true
	}
	s.Foretold = l.told
	return &s
}
func (l *looks) Changes() <-chan struct{} { return l.changes }
func (l *looks) Look()                    { l.at = min(l.at+1, len(l.views)) }
func (l *looks) Foretell() {
	l.told = &run.Foretold{Taken: []run.CheckForetold{
		{Cell: run.Key{Step: "few", Target: "local"}, Title: "Few", Verdict: checks.Fail, Applies: true, Checks: []run.CheckResult{{Where: "local", Verdict: checks.Fail, Exit: 1}}},
	}, Left: []run.CheckLeft{{Step: "after", Title: "After", Cells: 2, Why: "it comes after the first command, act@local"}}}
}

func (l *looks) Respond(a run.Respond) error {
	l.answered, l.prompt = append(l.answered, a), nil
	return nil
}

// typist types lines, and then nothing more.
type typist struct{ lines []string }

func (t *typist) ReadLine(context.Context) (string, error) {
	if len(t.lines) == 0 {
		return "", io.EOF
	}
	line := t.lines[0]
	t.lines = t.lines[1:]
	return line, nil
}
func (t *typist) Flush() error { return nil }

func found(name string, sev run.Severity) *run.Preflight {
	s := &run.Preflight{At: time.Date(2026, 11, 21, 3, 4, 5, 0, time.UTC), Hosts: []run.HostFound{{
		Name: name, Seen: true, Reached: true, Worst: sev, Free: -1, Identity: run.Identity{User: "ops", Hostname: "主机", System: "Linux"},
	}}}
	if sev != run.Fine {
		s.Findings = []run.Finding{{Host: name, ID: "host.tool", Severity: sev, What: "there is no jq", Why: "the runbook needs it", Do: "apt install jq"}}
	}
	return s
}

func TestPreflightInLines(t *testing.T) {
	t.Parallel()
	well, warned, bad := found("web-1", run.Fine), found("web-1", run.Warning), found("web-1", run.Obstacle)
	for _, tt := range []struct {
		name   string
		views  []*run.Preflight
		types  []string
		begins bool
		err    error
		says   []string
		silent string
	}{
		{"all is well: nothing is asked", []*run.Preflight{well}, nil, true, nil, []string{"03:04:05 preflight web-1: ops@主机, Linux\n", "nothing stands in the way; the run begins\n"}, "number>"},
		{"a warning is put before the person", []*run.Preflight{warned}, []string{"1"}, true, nil, []string{"preflight warning web-1: there is no jq\n    why: the runbook needs it\n    do: apt install jq\n", "number> "}, ""},
		{"an obstacle isn't begun", []*run.Preflight{bad}, []string{"1", "q"}, false, nil, []string{"begin: not now, 1 thing stands in the way", "not yet: 1 thing stands in the way"}, "   1 begin the run"},
		{"what was put right is looked at again", []*run.Preflight{bad, well}, []string{"2"}, true, nil, []string{"the run begins"}, ""},
		{"checks in advance, then it begins", []*run.Preflight{warned}, []string{"3", "1"}, true, nil, []string{
			"check few local FAILS: Few\n    - exit 1\n", "check after - not taken: After (2 times): it comes after the first command, act@local\n", "nothing was changed, and the run takes them anew",
		}, ""},
		{"the end of what is typed begins nothing", []*run.Preflight{warned}, nil, false, io.EOF, nil, ""},
		{"another word begins nothing", []*run.Preflight{warned}, []string{"yes", "", "q"}, false, nil, []string{"type the number of an action that is offered, or q"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			f := &plain.Preflight{Port: &looks{views: tt.views}, In: &typist{tt.types}, Out: &out}
			s, err := f.Look(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			begins, err := f.Decide(t.Context(), s)
			if begins != tt.begins || !errors.Is(err, tt.err) {
				t.Errorf("begins %v, %v", begins, err)
			}
			for _, want := range tt.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("got:\n%swant %q", out.String(), want)
				}
			}
			if tt.silent != "" && strings.Contains(out.String(), tt.silent) {
				t.Errorf("got:\n%swithout %q", out.String(), tt.silent)
			}
		})
	}
}

func TestPreflightInLinesAsksWhatALoginNeeds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		types string
		want  run.Respond
	}{
		{"yes", run.Respond{Prompt: "login-1", Text: "yes"}},
		{"y", run.Respond{Prompt: "login-1", Decline: true}},
	} {
		var out strings.Builder
		port := &looks{views: []*run.Preflight{found("web-1", run.Fine)}, prompt: &run.Prompt{ID: "login-1", Host: "web-1", Text: "Is this its key?", Detail: []string{"SHA256:abc"}, Echo: true, Must: "yes"}}
		f := &plain.Preflight{Port: port, In: &typist{[]string{tt.types}}, Out: &out}
		if _, err := f.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(port.answered, []run.Respond{tt.want}) || !strings.Contains(out.String(), "LOGIN web-1\n      SHA256:abc\n") {
			t.Errorf("%q: answered %+v\n%s", tt.types, port.answered, out.String())
		}
	}
}

func TestPreflightInLinesEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := found("web-1", run.Fine)
	s.Busy = true
	f := &plain.Preflight{Port: &looks{views: []*run.Preflight{s}}, Out: io.Discard}
	if _, err := f.Look(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
