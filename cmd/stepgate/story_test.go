package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
)

// screen is what can be read now.
func (s *seat) screen() string { return ansi.Strip(s.term.Render()) }

// until does what a screen asks for, each time it has changed, until it says that it
// is over. What was typed too early is swallowed, so it is done again after a while.
func (s *seat) until(what string, most time.Duration, does func(screen string) (over bool)) {
	s.t.Helper()
	limit, tick := time.After(most), time.NewTicker(500*time.Millisecond)
	defer tick.Stop()
	for !does(s.screen()) {
		select {
		case <-tick.C:
		case <-s.over:
			s.t.Fatalf("the program ended before %s:\n%s", what, s.screen())
		case <-limit:
			s.t.Fatalf("it never came to %s:\n%s", what, s.screen())
		}
	}
}

// asks is what a gate says has to be typed.
var asks = regexp.MustCompile(`Type:? (\S.*?)( and press|  | *│)`)

// opens reads a gate to its end and types its phrase.
func (s *seat) opens(screen string) {
	s.t.Helper()
	switch phrase := asks.FindStringSubmatch(screen); {
	case strings.Contains(screen, "Read to the end"):
		s.types(" ")
	case phrase == nil:
	case strings.Contains(screen, "> "+phrase[1]):
		s.types("\r")
	default: // by hand: what comes in one piece is taken for a paste
		pace := time.NewTicker(10 * time.Millisecond)
		defer pace.Stop()
		for _, key := range strings.Repeat("\x7f", len(phrase[1])) + phrase[1] {
			<-pace.C
			s.types(string(key))
		}
	}
}

// A newcomer types `stepgate`, begins the demo from the home screen, reads what the
// hosts are like, opens its gates, and has a transcript in the end.
func TestFirstRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	work := filepath.Join(dir, "work")
	if err := os.MkdirAll(work, 0o700); err != nil {
		t.Fatal(err)
	}
	s := sit(t, dir, work, 120, 40)
	t.Cleanup(func() { _, _ = s.stepgate("lab", "down", "last") })
	s.sees("No run is open", "walks through an upgrade on a simulated")
	s.types("d")
	s.until("the preflight's end", time.Minute, func(screen string) bool {
		if strings.Contains(screen, "Your name") {
			s.types("\x13")
		}
		return strings.Contains(screen, "preflight:") && strings.Contains(screen, "Nothing has been changed so far")
	})
	s.types("\r")
	s.sees("Steps", "0/")
	s.types("a")
	gates, at := 0, ""
	s.until("the end of the demo", 4*time.Minute, func(screen string) bool {
		if title := gateTitle.FindString(screen); title != "" {
			if title != at {
				gates++
			}
			at = title
			s.opens(screen)
		} else if strings.Contains(screen, "to be done by hand:") {
			s.types("\r")
		}
		return strings.Contains(screen, "Transcript: stepgate export")
	})
	if gates < 5 {
		t.Errorf("%d gates were opened on the way", gates)
	}
	s.sees("closed: done")
	s.types("\r")
	s.sees("runs and runbooks", "done, just now")
	s.types("q")
	if code := s.leaves(); code != exitOK {
		t.Errorf("it ended with %d", code)
	}
	out, err := s.stepgate("export", "--format", "md")
	if err != nil || !strings.Contains(out, "OpenMLDB") || !strings.Contains(out, "tablet-3") {
		t.Errorf("the transcript: %v\n%s", err, out[:min(len(out), 3000)])
	}
}

// gateTitle is the frame of a gate's dialog.
var gateTitle = regexp.MustCompile(`Gate: .*`)

// stepgate runs the program with the person's state, beside what is on the screen.
func (s *seat) stepgate(args ...string) (string, error) {
	cmd := exec.Command(program(s.t), args...)
	cmd.Dir, cmd.Env = s.cmd.Dir, s.cmd.Env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// A check fails: the dialog says what it saw, and once that is put right, its remedy
// goes on.
func TestAFailedCheckIsPutRight(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	work := filepath.Join(dir, "work")
	write(t, filepath.Join(work, "book.md"), "+++\ntitle = \"轮换\"\n+++\n- [ ] 看磁盘 {#disk}\n\n  ```sh {.check on=local}\n  cat free\n  ```\n  ```expect\n  number(stdout) >= 20\n  ```\n"+
		"- [ ] Go on {#on}\n\n  ```sh {on=local}\n  echo 完成\n  ```\n")
	write(t, filepath.Join(work, "free"), "3\n")
	s := sit(t, dir, work, 100, 30, "run", "book.md", "--no-preflight")
	s.begins("next: 1 看磁盘")
	s.types("\r")
	s.sees("failed: 1 看磁盘", "a check doesn't hold", "3", "retry")
	write(t, filepath.Join(work, "free"), "40\n")
	s.until("the second check", time.Minute, func(screen string) bool {
		if strings.Contains(screen, "a check doesn't hold") {
			s.types("r")
		}
		return strings.Contains(screen, "next: 2 Go on")
	})
	s.types("\r")
	s.sees("closed: done")
	s.types("\r")
	if code := s.leaves(); code != exitOK {
		t.Errorf("it ended with %d", code)
	}
}

// begins gives the name that is proposed, and waits for the run.
func (s *seat) begins(want string) {
	s.t.Helper()
	s.sees("Your name")
	s.types("\x13")
	s.sees(want)
}

// Stepgate is killed in the middle of a command. The command goes on by itself; one
// key on the home screen resumes the run and finds it again.
func TestKilledAndResumedFromHome(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	work := filepath.Join(dir, "work")
	write(t, filepath.Join(work, "book.md"), "+++\ntitle = \"Rotate\"\n+++\n- [ ] Wait {#wait}\n\n  ```sh {on=local}\n  echo begun >>begun; until test -e go; do sleep 0.05; done; echo 找到了\n  ```\n"+
		"- [ ] Last {#last}\n\n  ```sh {on=local}\n  echo last\n  ```\n")
	t.Cleanup(func() { _ = os.WriteFile(filepath.Join(work, "go"), nil, 0o600) })
	s := sit(t, dir, work, 100, 30, "run", "book.md", "--no-preflight")
	s.begins("next: 1 Wait")
	s.types("\r")
	s.keepsTrying("the command runs", func() bool { return there(filepath.Join(work, "begun")) })
	s.sees("running")
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait()

	s = sit(t, dir, work, 100, 30)
	s.sees("runs and runbooks", "Rotate", "0/2")
	s.types("\r")
	s.sees("Steps", "1 Wait")
	write(t, filepath.Join(work, "go"), "")
	s.until("the next step", time.Minute, func(screen string) bool {
		if strings.Contains(screen, "unknown: 1 Wait") {
			s.types("p")
		}
		return strings.Contains(screen, "next: 2 Last")
	})
	s.sees("找到了")
	s.types("\r")
	s.sees("closed: done")
	s.types("\r")
	s.sees("runs and runbooks", "done, just now")
	s.types("q")
	if code := s.leaves(); code != exitOK {
		t.Errorf("it ended with %d", code)
	}
	if begun := contents(filepath.Join(work, "begun")); begun != "begun\n" {
		t.Errorf("it was sent more than once: %q", begun)
	}
}

// A terminal that changes its size all the time, while a command runs and at a gate,
// shows the right screen as soon as it stays.
func TestResizeStorm(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	work := filepath.Join(dir, "work")
	write(t, filepath.Join(work, "book.md"), "+++\ntitle = \"轮换日志\"\n+++\n- [ ] 等 {#wait}\n\n  ```sh {on=local}\n  i=0; until test -e go; do i=$((i+1)); echo 第 $i 行; sleep 0.02; done\n  ```\n"+
		"- [ ] 删除 {#cut .irreversible}\n\n  > [!CAUTION]\n  > 删了就没有了。\n\n  ```sh {on=local}\n  echo cut >>cut\n  ```\n")
	t.Cleanup(func() { _ = os.WriteFile(filepath.Join(work, "go"), nil, 0o600) })
	s := sit(t, dir, work, 100, 30, "run", "book.md", "--no-preflight")
	s.begins("next: 1 等")
	s.types("\r")
	s.sees("running", "第 1 行")
	rng := rand.New(rand.NewPCG(9, 9)) //nolint:gosec // sizes
	s.storms(rng, 100)
	s.sees("running", "轮换日志", "Steps", "Output")
	write(t, filepath.Join(work, "go"), "")
	s.sees("next: 2 删除")
	s.types("\r")
	s.sees("Gate: 2 删除", "删了就没有了。")
	s.storms(rng, 100)
	s.sees("Gate: 2 删除", "删了就没有了。", "on this machine", "echo cut", "Type cut and press")
	if there(filepath.Join(work, "cut")) {
		t.Error("a gate was opened by nobody")
	}
	s.until("the gate is open", time.Minute, func(screen string) bool {
		if gateTitle.MatchString(screen) {
			s.opens(screen)
		}
		return strings.Contains(screen, "closed: done")
	})
	s.types("\r")
	if code := s.leaves(); code != exitOK {
		t.Errorf("it ended with %d", code)
	}
}

// storms gives the terminal n sizes, each drawn before the next, and the first one in
// the end.
func (s *seat) storms(rng *rand.Rand, n int) {
	s.t.Helper()
	w, h := s.term.Width(), s.term.Height()
	for range n {
		s.resizes(1+rng.IntN(300), 1+rng.IntN(100))
	}
	s.resizes(w, h)
}

func (s *seat) resizes(w, h int) {
	s.t.Helper()
	s.term.Resize(w, h)
	if err := pty.Setsize(s.tty, &pty.Winsize{Rows: uint16(h), Cols: uint16(w)}); err != nil { //nolint:gosec // small
		s.t.Fatal(err)
	}
	select {
	case <-s.grown:
	case <-s.over:
		s.t.Fatalf("it ended at %dx%d", w, h)
	case <-time.After(100 * time.Millisecond): // the same is drawn at both sizes
	}
}

// A command that failed is changed in the operator's editor and passes a gate that
// shows the change; one that isn't in the runbook runs beside it. Both are told at the
// end, and in the transcript.
func TestEditedAndBeside(t *testing.T) {
	dir := t.TempDir()
	work := filepath.Join(dir, "work")
	t.Setenv("VISUAL", "sed -i s/3$/0/")
	write(t, filepath.Join(work, "book.md"), "+++\ntitle = \"T\"\n+++\n- [ ] Break {#break}\n\n  ```sh {on=local}\n  echo tried; exit 3\n  ```\n")
	s := sit(t, dir, work, 100, 30, "run", "book.md", "--no-preflight")
	s.begins("next: 1 Break")
	s.types("\r")
	s.sees("failed: 1 Break", "the command ended with exit 3")
	s.keepsTrying("it asks for a command", func() bool {
		if strings.Contains(s.screen(), "A command that is not in the runbook") {
			return true
		}
		s.types(":")
		return false
	})
	s.types(strings.Repeat("\x7f", 9) + "echo beside\r")
	s.sees("adhoc/1 echo beside", "not in the runbook", "back to the run")
	s.types("\r")
	s.sees("1 Break", "failed", "remedies")
	s.types("v")
	s.sees("+ echo tried; exit 0", "run this")
	s.until("the end", time.Minute, func(screen string) bool {
		switch {
		case gateTitle.MatchString(screen):
			if !strings.Contains(screen, "not what the runbook says") && strings.Contains(screen, "Type") {
				t.Errorf("the gate doesn't say that it was changed:\n%s", screen)
			}
			s.opens(screen)
		case strings.Contains(screen, "This is what you changed"):
			s.types("y")
		case strings.Contains(screen, "failed: 1 Break"):
			t.Errorf("it failed again:\n%s", screen)
			return true
		}
		return strings.Contains(screen, "closed: done")
	})
	s.types("\r")
	if code := s.leaves(); code != exitOK {
		t.Errorf("it ended with %d", code)
	}
	out, err := s.stepgate("export", "--format", "md")
	if err != nil || !strings.Contains(out, "echo tried; exit 0") || !strings.Contains(out, "echo beside") {
		t.Errorf("the transcript: %v\n%s", err, out)
	}
}
