package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"stepgate/runbook/run"
)

// person is someone at a terminal, in line mode.
type person struct {
	t   *testing.T
	tty io.ReadWriteCloser
	cmd *exec.Cmd

	mu    sync.Mutex
	seen  bytes.Buffer
	grown chan struct{}
}

func (c *crash) person(args ...string) *person {
	c.t.Helper()
	cmd := exec.Command(program(c.t), args...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+c.state, "TERM=dumb")
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 200})
	if err != nil {
		c.t.Fatal(err)
	}
	p := &person{t: c.t, tty: f, cmd: cmd, grown: make(chan struct{}, 1)}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := f.Read(buf)
			p.mu.Lock()
			p.seen.Write(buf[:n])
			p.mu.Unlock()
			select {
			case p.grown <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	return p
}

// reads waits for text and returns its groups.
func (p *person) reads(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	limit := time.After(2 * time.Minute)
	for {
		p.mu.Lock()
		m := re.FindStringSubmatch(p.seen.String())
		if m != nil {
			p.seen.Reset()
		}
		p.mu.Unlock()
		if m != nil {
			return m
		}
		select {
		case <-p.grown:
		case <-limit:
			p.mu.Lock()
			defer p.mu.Unlock()
			p.t.Fatalf("waited for %q in:\n%s", pattern, p.seen.String())
		}
	}
}

func (p *person) types(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p.tty, s+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) ends() int {
	p.t.Helper()
	err := p.cmd.Wait()
	p.tty.Close()
	if p.cmd.ProcessState == nil {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
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
	n := p.reads(`(\d+) retry: [^\n]*\n(?s:.*)number> `)
	p.types(n[1])
	p.reads(`(?s)\n(go|gate|manual): .*number> |GATE `)
	p.types("q")
	if code := p.ends(); code != exitWaiting {
		t.Fatalf("leaving ends with %d", code)
	}
	if out, errs, code := c.stepgate("resume", "--auto", "--approve", "*"); code != exitOK {
		t.Fatalf("after the fault it ended with %d:\n%s\n%s", code, errs, out[max(0, len(out)-3000):])
	}
	if left, _ := filepath.Glob(filepath.Join(c.state, "stepgate", "labs", "*")); len(left) > 0 {
		t.Errorf("the lab has left %v", left)
	}
}
