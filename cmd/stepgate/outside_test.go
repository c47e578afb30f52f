package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/text"
	"stepgate/tui"
)

// script writes a program of the operator's own.
func ownScript(t *testing.T, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "own program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nset -eu\n"+lines), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	return "'" + path + "'"
}

// An editor gets the text in a file that is nobody else's, and leaves nothing behind.
func TestEditor(t *testing.T) {
	dir := t.TempDir()
	seen := filepath.Join(dir, "seen")
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("VISUAL", "")
	edit := func(editor string) (string, error) {
		t.Setenv("EDITOR", editor)
		return ownPrograms{}.Edit(t.Context(), tui.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}, "../step-停.sh", "echo one\n")
	}
	look := `ls -ld "$(dirname "$1")" "$1" | cut -c1-10 >` + seen + `; basename "$1" >>` + seen + "\n"
	if got, err := edit(ownScript(t, look+"echo two >>\"$1\"\n")); got != "echo one\ntwo\n" || err != nil {
		t.Errorf("edited: %q, %v", got, err)
	}
	if b, _ := os.ReadFile(seen); string(b) != "drwx------\n-rw-------\nstep-停.sh\n" {
		t.Errorf("the editor saw %q", b)
	}
	if got, err := edit(ownScript(t, "echo \"$1 $2\" >\"$3\"\n") + " --wait 'a b'"); got != "--wait a b\n" || err != nil {
		t.Errorf("with arguments of its own: %q, %v", got, err)
	}
	for _, c := range []struct{ editor, want, hint string }{
		{ownScript(t, "exit 3\n"), "it ended with exit 3", "choose an editor: export EDITOR=nano"},
		{ownScript(t, "kill -KILL $$\n"), "it ended with exit 137", ""},
		{"no-such-editor", "it ended with exit 127", ""},
		{ownScript(t, `rm "$1"`), "read what was edited", ""},
		{ownScript(t, `head -c 1100000 /dev/zero >"$1"`), "it has more than 1.0 MB", ""},
	} {
		if _, err := edit(c.editor); err == nil || !strings.Contains(err.Error(), c.want) || c.hint != "" && text.HintOf(err) != c.hint {
			t.Errorf("%s: %v (%s), want %q (%s)", c.editor, err, text.HintOf(err), c.want, c.hint)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "stepgate-edit-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	t.Setenv("PATH", "")
	if _, err := edit(""); err == nil || text.HintOf(err) != "export EDITOR=PROGRAM" {
		t.Errorf("no editor at all: %v (%s)", err, text.HintOf(err))
	}
}

// A pager gets everything as it is written, and may be left before the end.
func TestPager(t *testing.T) {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	page := func(pager string, write func(io.Writer) error) error {
		t.Setenv("PAGER", pager)
		return ownPrograms{}.Page(t.Context(), tui.Streams{In: strings.NewReader(""), Out: out, Err: out}, "output", write)
	}
	lots := func(w io.Writer) error {
		for i := range 1 << 20 {
			if _, err := fmt.Fprintf(w, "line %d\n", i); err != nil {
				return err
			}
		}
		return nil
	}
	if err := page("tail -n 1", lots); err != nil {
		t.Error(err)
	}
	if err := page("head -n 1", lots); err != nil {
		t.Errorf("left before the end: %v", err)
	}
	if b, _ := os.ReadFile(out.Name()); string(b) != "line 1048575\nline 0\n" {
		t.Errorf("the pager showed %q", b)
	}
	broken := errors.New("the output has gone")
	if err := page("cat", func(io.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("what could not be read: %v", err)
	}
	if err := page("exit 4", lots); err == nil || !strings.Contains(err.Error(), "it ended with exit 4") {
		t.Errorf("a pager that fails: %v", err)
	}
}

const ownBook = `# Change

- [ ] Break {#break}

  ` + "```sh\n  echo broken; exit 3\n  ```" + `
`

// An editor that is interrupted, or stops itself, has the terminal for itself: the
// run doesn't notice, and the screen comes back with what was changed.
func TestEditorHasTheTerminal(t *testing.T) {
	dir := t.TempDir()
	said := filepath.Join(dir, "said")
	t.Setenv("VISUAL", ownScript(t, `trap 'echo interrupted >>`+said+`' INT
echo "$1" >`+said+`
echo 'The editor is here.'
kill -TSTP 0
echo woken >>`+said+`
until read -r word && case $word in *fixed) true ;; *) false ;; esac; do :; done
echo 'echo fixed' >"$1"
`))
	if err := os.WriteFile(filepath.Join(dir, "book.md"), []byte(ownBook), 0o600); err != nil {
		t.Fatal(err)
	}
	s := sit(t, dir, dir, 100, 30, "run", "book.md", "--no-preflight")
	s.sees("Your name")
	s.types("\x13") // as proposed
	s.sees("next: 1 Break")
	s.types("\r")
	s.sees("failed: 1 Break", "edit and retry")
	s.keepsTrying("the editor is woken", func() bool { s.types("v"); return strings.Contains(contents(said), "woken") })
	s.sees("The editor is here.")
	s.keepsTrying("the editor is interrupted", func() bool { s.types("\x03"); return strings.Contains(contents(said), "interrupted") })
	s.types("\rfixed\r")
	s.sees("+ echo fixed", "run this")
}

// keepsTrying does something every now and then until it has worked.
func (s *seat) keepsTrying(what string, worked func() bool) {
	s.t.Helper()
	limit, tick := time.After(2*time.Minute), time.NewTicker(300*time.Millisecond)
	defer tick.Stop()
	for !worked() {
		select {
		case <-tick.C:
		case <-limit:
			s.t.Fatalf("it never happened that %s:\n%s", what, ansi.Strip(s.term.Render()))
		}
	}
}

func contents(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(b)
}
