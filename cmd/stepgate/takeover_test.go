package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A driver hangs: stopped, it can't even be asked. Its run is taken on a typed
// word, its command is found again, and when it wakes up it writes nothing more. A
// step that can't be undone is settled with a typed phrase only.
func TestARunIsTakenFromADriverThatHangs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	book := filepath.Join(dir, "book.md")
	src := "# 接管\n\n- [ ] Drop {#drop .irreversible confirm=drop}\n\n  > [!CAUTION]\n  > Gone.\n\n  ```sh\n  echo dropped | tee -a log; until [ -e go ]; do sleep 0.1; done\n  ```\n"
	if err := os.WriteFile(book, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &crash{t: t, state: t.TempDir(), acked: map[string]string{}}
	hung := c.person("run", book, "--plain", "--no-preflight")
	hung.Reads("number> ")
	hung.Types("1")
	hung.Reads(`(?s)type.*drop`)
	hung.Types("drop")
	hung.Reads(`\| dropped`)
	if err := hung.Process().Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}

	refused := c.person("resume", "--plain")
	refused.Reads(`is driven by (?s:.*)--take-over`)
	if code := refused.Ends(); code != exitHeld {
		t.Errorf("without a word it ended with %d", code)
	}
	wrong := c.person("resume", "--plain", "--take-over")
	id := wrong.Reads(`type (\S+)> `)[1]
	wrong.Types("yes")
	wrong.Reads("what was typed differs")
	if code := wrong.Ends(); code != exitAborted {
		t.Errorf("with another word it ended with %d", code)
	}
	next := c.person("resume", "--plain", "--take-over")
	next.Reads(`type (\S+)> `)
	next.Types(id)
	next.Reads(`\| dropped`)
	if err := hung.Process().Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := next.Process().Kill(); err != nil { // and that one is killed, too
		t.Fatal(err)
	}
	next.Ends()

	settled := c.person("resolve", id, "drop", "--as", "succeeded", "--reason", "看过了")
	phrase := settled.Reads(`No host is asked(?s:.*)type (SUCCEEDED drop local)> `)[1]
	settled.Types(phrase)
	settled.Reads("is settled as succeeded")
	if code := settled.Ends(); code != exitOK {
		t.Errorf("it was settled with %d", code)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if log, err := os.ReadFile(filepath.Join(dir, "log")); err != nil || string(log) != "dropped\n" {
		t.Errorf("it ran as %q, %v", log, err)
	}
	timeline := c.person("timeline", id)
	timeline.Reads("taken over by force: driven by(?s:.*)marked done by a person: 看过了")
	timeline.Ends()
	hung.Reads("drives this run now; from here it is only watched")
	if code := hung.Ends(); code != exitHeld && code != exitInternal { // whether the next one still drove it then
		t.Errorf("the driver that had hung ended with %d", code)
	}
}
