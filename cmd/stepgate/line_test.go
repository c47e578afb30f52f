package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// In line mode one reader has the terminal from the first question to the last:
// no answer is lost between the values asked for and the run.
func TestLinesAreReadByOne(t *testing.T) {
	t.Parallel()
	book := filepath.Join(t.TempDir(), "book.md")
	src := "+++\ntitle = \"演练\"\n[params.city]\nprompt = \"城市\"\npattern = '\\p{Han}+'\n+++\n- [ ] Look\n\n  ```sh\n  echo \"$city\"\n  ```\n"
	if err := os.WriteFile(book, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &crash{t: t, state: t.TempDir(), acked: map[string]string{}}
	p := c.person("run", book)
	p.reads("城市> ")
	p.types("x")
	p.reads(`"x" is not matched(?s:.*)城市> `)
	p.types("上海")
	p.reads("number> ")
	p.types("q")
	p.reads("waiting: go look local – do: stepgate resume")
	if code := p.ends(); code != exitWaiting {
		t.Errorf("it ended with %d", code)
	}
}

// A secret that is typed isn't shown.
func TestASecretIsTypedUnseen(t *testing.T) {
	t.Parallel()
	book := filepath.Join(t.TempDir(), "book.md")
	src := "+++\ntitle = \"T\"\n[params.pw]\nsecret = true\n+++\n- [ ] Look\n\n  ```sh {.check}\n  echo \"${#pw}\"\n  ```\n"
	if err := os.WriteFile(book, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &crash{t: t, state: t.TempDir(), acked: map[string]string{}}
	p := c.person("run", book)
	p.reads("pw> ")
	p.types("tiger-lily-77")
	said := p.reads("(?s).*number> ")[0]
	if strings.Contains(said, "tiger") {
		t.Errorf("it is shown: %q", said)
	}
	p.types("q")
	if code := p.ends(); code != exitWaiting {
		t.Errorf("it ended with %d", code)
	}
}

// Told to leave at a failed step, the run was left: it can be resumed.
func TestToldToLeaveAtAFailedStep(t *testing.T) {
	t.Parallel()
	book := filepath.Join(t.TempDir(), "book.md")
	if err := os.WriteFile(book, []byte("- [ ] Fail {#fail}\n\n  ```sh\n  exit 7\n  ```\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &crash{t: t, state: t.TempDir(), acked: map[string]string{}}
	p := c.person("run", book, "--plain")
	p.reads("number> ")
	p.types("1")
	p.reads("(?s)fail local failed.*number> ")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.reads("go on with: stepgate resume")
	if code := p.ends(); code != exitWaiting {
		t.Errorf("it ended with %d", code)
	}
}
