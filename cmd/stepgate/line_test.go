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

// In lines everything can be done and looked at that the screen has: what is typed
// while something goes on is answered at once, a command that failed is changed and
// run through a gate, and what the runbook doesn't say is asked for and told.
func TestLinesDoWhatTheScreenDoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	book, on := filepath.Join(dir, "book.md"), filepath.Join(dir, "on")
	write(t, book, "+++\ntitle = \"轮换日志\"\n+++\n- [ ] 等 {#wait}\n\n  ```sh {on=local}\n  echo 开始; until test -e "+on+"; do sleep 0.05; done\n  ```\n"+
		"- [ ] 坏 {#break}\n\n  ```sh {on=local}\n  echo 试; exit 3\n  ```\n- [ ] Cut {#cut .irreversible}\n\n  ```sh {on=local}\n  true\n  ```\n"+
		"- [ ] Last {#last}\n\n  ```sh {on=local}\n  echo last\n  ```\n")
	c := &crash{t: t, state: t.TempDir(), acked: map[string]string{}}
	p := c.person("run", book, "--plain", "--no-preflight")
	p.reads(`number> `)
	p.types("?")
	p.reads(`edit and retry: not now, it has not failed(?s:.*)what can be looked at(?s:.*)number> `)
	p.types("show cut")
	p.reads(`3 Cut on this machine: gate ahead\r\n.*irreversible(?s:.*)number> `)
	p.types("go")
	p.reads(`\| 开始`) // the command is what goes on
	p.types("status")
	p.reads(`: 1 等 on this machine\r\n.*0 of 4 settled`)
	p.types("note 看一眼")
	p.reads(`\(note: taken\)`)
	p.types("1") // a number means nothing while no question is asked
	p.reads(`something is going on`)
	p.types("stop")
	p.reads(`not safe to repeat\.\r\ntype "local" to stop it> `)
	p.types("no")
	p.reads(`nothing done`)
	write(t, on, "")
	p.reads(`wait local done(?s:.*)number> `)
	p.types("go")
	p.reads(`failure: 2 坏 local\r\n +the command ended with exit 3(?s:.*)number> `)
	p.types("output")
	p.reads(`\| 试\r\n(?s:.*)number> `)
	p.types("edit")
	p.reads(`anything else leaves it as it is> `)
	p.types("l")
	for _, line := range []string{"echo 试; exit 0", "."} {
		p.reads(`    > `)
		p.types(line)
	}
	p.reads(`- echo 试; exit 3\r\n +\+ echo 试; exit 0\r\n(?s:.*)type "y" to go on> `)
	p.types("y")
	p.reads(`GATE 2 坏\r\n.*not what the runbook says(?s:.*)\+ echo 试; exit 0(?s:.*)type "break" to go on`)
	p.types("steps")
	p.reads(`2 坏 – this machine: gate(?s:.*)type "break" to go on`)
	p.types("break")
	p.reads(`break local done(?s:.*)number> `)
	p.types("ad hoc")
	p.reads(`which command, in sh> `)
	p.types("echo beside")
	p.reads(`type y to run it> `)
	p.types("y")
	p.reads(`\| beside\r\n(?s:.*)number> `)
	p.types("jump")
	p.reads(`which step.*> `)
	p.types("last")
	p.reads(`3 Cut – this machine \(gate, irreversible\)(?s:.*)type "jump"> `)
	p.types("jump")
	p.reads(`reason> `)
	p.types("不需要")
	p.reads(`cut local skipped Cut \(不需要\)(?s:.*)number> `)
	p.types("again")
	p.reads(`which step.*> `)
	p.types("break")
	p.reads(`not safe to repeat(?s:.*)type "RERUN break local"> `)
	p.types("RERUN")
	p.reads(`nothing done(?s:.*)number> `)
	p.types("timeline 看一眼")
	p.reads(`note: 看一眼\r\n(?s:.*)number> `)
	p.types("go")
	p.reads(`with exceptions after`)
	if code := p.ends(); code != exitOK {
		t.Errorf("it ended with %d", code)
	}
}
