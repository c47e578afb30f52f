package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepgate/runbook/run"
	"stepgate/runbooks/rehearsal"
)

func (c *crash) person(args ...string) *rehearsal.Person {
	c.t.Helper()
	return rehearsal.Sit(c.t, c.state, args...)
}

func (c *crash) stepgate(args ...string) (stdout, stderr string, code int) {
	c.t.Helper()
	var out, errs strings.Builder
	cmd := exec.Command(program(c.t), args...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+c.state)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		c.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// A tablet that doesn't come back stops the run there, with what the check
// saw; when the fault is gone, a person's retry goes on, and the rest of the
// upgrade runs to its end.
func TestATabletThatDoesNotComeBackStopsTheRunThere(t *testing.T) {
	t.Parallel()
	c := newCrash(t, nil)
	if _, errs, code := c.stepgate("demo", "--auto", "--speed", "20"); code != exitWaiting {
		t.Fatalf("to the first gate: %d\n%s", code, errs)
	}
	defer c.stepgate("lab", "down", "last")
	if _, errs, code := c.stepgate("lab", "fault", "last", "tablet-2:start=fail"); code != 0 {
		t.Fatalf("fault: %d\n%s", code, errs)
	}
	out, errs, code := c.stepgate("resume", "--auto", "--approve", "*")
	if code != exitFailed || !strings.Contains(errs, "waiting: failure tablets[tablet-2]/") {
		t.Fatalf("with the fault it ended with %d:\n%s", code, errs)
	}
	r := c.folded()
	ask, ok := run.Next(r).(run.Ask)
	if !ok || ask.Wait != run.WaitFailure || !strings.HasPrefix(ask.Cell.Key.Step, "tablets[tablet-2]/") {
		t.Fatalf("it stands at %+v", run.Next(r))
	}
	if !strings.Contains(out, "Start tablet failed!") || !regexp.MustCompile(`fail .*Start .* success`).MatchString(out) {
		t.Errorf("what the failed check saw is missing in:\n%s", out[max(0, len(out)-2000):])
	}
	if _, errs, code := c.stepgate("lab", "fault", "last", "tablet-2:start="); code != 0 {
		t.Fatalf("clear: %d\n%s", code, errs)
	}

	p := c.person("resume", "--plain")
	n := p.Reads(`(\d+) retry: [^\n]*\n(?s:.*)number> `)
	p.Types(n[1])
	p.Reads(`(?s)\n(go|gate|manual): .*number> |GATE `)
	p.Types("q")
	if code := p.Ends(); code != exitWaiting {
		t.Fatalf("leaving ends with %d", code)
	}
	if out, errs, code := c.stepgate("resume", "--auto", "--approve", "*"); code != exitOK {
		t.Fatalf("after the fault it ended with %d:\n%s\n%s", code, errs, out[max(0, len(out)-3000):])
	}
	if left, _ := filepath.Glob(filepath.Join(c.state, "stepgate", "labs", "*")); len(left) > 0 {
		t.Errorf("the lab has left %v", left)
	}
}
