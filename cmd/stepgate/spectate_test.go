package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A colleague looks on while a run is driven: the steps and what they print come by
// themselves, nothing acts, a note reaches the timeline, and that the driver has gone
// is said.
func TestARunIsWatchedOnAScreen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	work := filepath.Join(dir, "work")
	write(t, filepath.Join(work, "book.md"), "# 看\n\n- [ ] Greet {#greet}\n\n  ```sh\n  echo 你好; touch started; until [ -e go ]; do sleep 0.05; done; echo 再见\n  ```\n- [ ] Tell them {#tell}\n")
	driver := exec.Command(program(t), "run", "book.md", "--auto")
	driver.Dir = work
	driver.Env = append(os.Environ(), "XDG_STATE_HOME="+filepath.Join(dir, "state"), "XDG_CONFIG_HOME="+filepath.Join(dir, "config"),
		"HOME="+dir, "STEPGATE_OPERATOR=ann", "STEPGATE_SSH_CONFIG=none")
	if err := driver.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	go func() { ended <- driver.Wait() }()
	t.Cleanup(func() {
		_ = os.WriteFile(filepath.Join(work, "go"), nil, 0o600)
		if err := <-ended; err == nil {
			t.Error("the driver ended as if nothing waited")
		}
	})
	for !there(filepath.Join(work, "started")) {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the driver ended: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}

	s := sit(t, dir, work, 110, 32, "watch")
	s.sees("watching", "1 Greet", "你好")
	s.types("s")
	s.sees("watching; it is driven by ann@")
	s.types("\r")
	s.sees("watching; it is driven by ann@")
	s.types("n")
	s.sees("What should stand on the timeline?")
	s.types("看到了\r")
	s.types("T")
	s.sees("note: 看到了", "run of book.md started", "command is about to be sent")
	write(t, filepath.Join(work, "go"), "")
	s.sees("its driver left")
	s.types("q")
	s.sees("nobody drives it", "to be done by hand: 2 Tell them", "再见")
	s.types("q")
	if code := s.leaves(); code != exitOK {
		t.Errorf("it ended with %d", code)
	}
	s.sees("nobody drives it; take it over with: stepgate resume")
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
