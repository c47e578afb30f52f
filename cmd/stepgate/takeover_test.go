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
	hung.reads("number> ")
	hung.types("1")
	hung.reads(`(?s)type.*drop`)
	hung.types("drop")
	hung.reads(`\| dropped`)
	if err := hung.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}

	refused := c.person("resume", "--plain")
	refused.reads(`is driven by (?s:.*)--take-over`)
	if code := refused.ends(); code != exitHeld {
		t.Errorf("without a word it ended with %d", code)
	}
	wrong := c.person("resume", "--plain", "--take-over")
	id := wrong.reads(`type (\S+)> `)[1]
	wrong.types("yes")
	wrong.reads("what was typed differs")
	if code := wrong.ends(); code != exitAborted {
		t.Errorf("with another word it ended with %d", code)
	}
	next := c.person("resume", "--plain", "--take-over")
	next.reads(`type (\S+)> `)
	next.types(id)
	next.reads(`\| dropped`)
	if err := hung.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := next.cmd.Process.Kill(); err != nil { // and that one is killed, too
		t.Fatal(err)
	}
	next.ends()

	settled := c.person("resolve", id, "drop", "--as", "succeeded", "--reason", "看过了")
	phrase := settled.reads(`No host is asked(?s:.*)type (SUCCEEDED drop local)> `)[1]
	settled.types(phrase)
	settled.reads("is settled as succeeded")
	if code := settled.ends(); code != exitOK {
		t.Errorf("it was settled with %d", code)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if log, err := os.ReadFile(filepath.Join(dir, "log")); err != nil || string(log) != "dropped\n" {
		t.Errorf("it ran as %q, %v", log, err)
	}
	timeline := c.person("timeline", id)
	timeline.reads("taken over by force: driven by(?s:.*)marked done by a person: 看过了")
	timeline.ends()
	hung.reads("drives this run now; from here it is only watched")
	if code := hung.ends(); code != exitHeld && code != exitInternal { // whether the next one still drove it then
		t.Errorf("the driver that had hung ended with %d", code)
	}
}
