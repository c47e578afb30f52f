package rehearsal

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// Person is someone at a terminal, in line mode.
type Person struct {
	t   testing.TB
	tty io.ReadWriteCloser
	cmd *exec.Cmd

	mu    sync.Mutex
	seen  bytes.Buffer
	saw   bytes.Buffer // all of it
	grown chan struct{}
}

// Sit starts the program on a terminal of its own, with the journal below the
// directory state.
func Sit(t testing.TB, state string, args ...string) *Person {
	t.Helper()
	cmd := exec.Command(Program(t), args...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+state, "TERM=dumb")
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	p := &Person{t: t, tty: f, cmd: cmd, grown: make(chan struct{}, 1)}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := f.Read(buf)
			p.mu.Lock()
			p.seen.Write(buf[:n])
			p.saw.Write(buf[:n])
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

// Reads waits for text and returns its groups. What was there by then isn't read
// again.
func (p *Person) Reads(pattern string) []string {
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

// Saw is all that stood on the terminal so far.
func (p *Person) Saw() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.saw.String()
}

// Process is the program's.
func (p *Person) Process() *os.Process { return p.cmd.Process }

// Types a line.
func (p *Person) Types(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p.tty, s+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// Ends waits for the program's end and returns its exit code.
func (p *Person) Ends() int {
	p.t.Helper()
	err := p.cmd.Wait()
	p.tty.Close()
	if p.cmd.ProcessState == nil {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}
