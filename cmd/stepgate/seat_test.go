package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// seat is a person before the real program in a terminal with a screen.
type seat struct {
	t     *testing.T
	tty   *os.File
	cmd   *exec.Cmd
	term  *vt.SafeEmulator
	grown chan struct{}
	over  chan struct{} // the program has closed the terminal
}

// sit starts the program in a directory, with its state and configuration in dir,
// among them ssh_config where there is one.
func sit(t *testing.T, dir, work string, w, h int, args ...string) *seat {
	t.Helper()
	config := filepath.Join(dir, "ssh_config")
	if _, err := os.Stat(config); err != nil {
		config = "none"
	}
	cmd := exec.Command(program(t), args...)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+filepath.Join(dir, "state"), "XDG_CONFIG_HOME="+filepath.Join(dir, "config"),
		"HOME="+dir, "TERM=xterm-256color", "LC_ALL=C.UTF-8", "STEPGATE_OPERATOR=", "STEPGATE_SSH_CONFIG="+config)
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: uint16(h), Cols: uint16(w)}) //nolint:gosec // small
	if err != nil {
		t.Fatal(err)
	}
	s := &seat{t: t, tty: f, cmd: cmd, term: vt.NewSafeEmulator(w, h), grown: make(chan struct{}, 1), over: make(chan struct{})}
	// Margins that were set for a larger screen, before its change was known: the
	// emulator would scroll past its end.
	s.term.RegisterCsiHandler('r', func(margins ansi.Params) bool {
		bottom, _, _ := margins.Param(1, 0)
		return bottom > s.term.Emulator.Height()
	})
	answered := make(chan struct{})
	go func() { // what the terminal answers when it is asked
		defer close(answered)
		_, _ = io.Copy(f, s.term)
	}()
	go func() {
		defer close(s.over)
		buf := make([]byte, 32<<10)
		for {
			n, err := f.Read(buf)
			_, _ = s.term.Write(buf[:n])
			select {
			case s.grown <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		<-s.over
		if pipe, ok := s.term.InputPipe().(io.Closer); ok {
			_ = pipe.Close()
		}
		<-answered
		_ = f.Close()
	})
	return s
}

// sees waits for the screen to say all of that at once.
func (s *seat) sees(want ...string) {
	s.t.Helper()
	limit := time.After(2 * time.Minute)
	for {
		screen := ansi.Strip(s.term.Render())
		if !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(screen, w) }) {
			return
		}
		select {
		case <-s.grown:
		case <-limit:
			s.t.Fatalf("the screen never said %q:\n%s", want, screen)
		}
	}
}

func (s *seat) types(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.tty, keys); err != nil {
		s.t.Fatal(err)
	}
}

// leaves waits for the end of the program and returns its exit code.
func (s *seat) leaves() int {
	s.t.Helper()
	err := s.cmd.Wait()
	if s.cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	<-s.over
	if s.term.IsAltScreen() {
		s.t.Error("the terminal was left on the alternate screen")
	}
	return s.cmd.ProcessState.ExitCode()
}
