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
	p.Reads("城市> ")
	p.Types("x")
	p.Reads(`"x" is not matched(?s:.*)城市> `)
	p.Types("上海")
	p.Reads("number> ")
	p.Types("q")
	p.Reads("waiting: go look local – do: stepgate resume")
	if code := p.Ends(); code != exitWaiting {
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
	p.Reads("pw> ")
	p.Types("tiger-lily-77")
	said := p.Reads("(?s).*number> ")[0]
	if strings.Contains(said, "tiger") {
		t.Errorf("it is shown: %q", said)
	}
	p.Types("q")
	if code := p.Ends(); code != exitWaiting {
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
	p.Reads("number> ")
	p.Types("1")
	p.Reads("(?s)fail local failed.*number> ")
	if err := p.Process().Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.Reads("go on with: stepgate resume")
	if code := p.Ends(); code != exitWaiting {
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
	p.Reads(`number> `)
	p.Types("?")
	p.Reads(`edit and retry: not now, it has not failed(?s:.*)what can be looked at(?s:.*)number> `)
	p.Types("show cut")
	p.Reads(`3 Cut on this machine: gate ahead\r\n.*irreversible(?s:.*)number> `)
	p.Types("go")
	p.Reads(`\| 开始`) // the command is what goes on
	p.Types("status")
	p.Reads(`: 1 等 on this machine\r\n.*0 of 4 settled`)
	p.Types("note 看一眼")
	p.Reads(`\(note: taken\)`)
	p.Types("1") // a number means nothing while no question is asked
	p.Reads(`something is going on`)
	p.Types("stop")
	p.Reads(`not safe to repeat\.\r\ntype "local" to stop it> `)
	p.Types("no")
	p.Reads(`nothing done`)
	write(t, on, "")
	p.Reads(`wait local done(?s:.*)number> `)
	p.Types("go")
	p.Reads(`failure: 2 坏 local\r\n +the command ended with exit 3(?s:.*)number> `)
	p.Types("output")
	p.Reads(`\| 试\r\n(?s:.*)number> `)
	p.Types("edit")
	p.Reads(`anything else leaves it as it is> `)
	p.Types("l")
	for _, line := range []string{"echo 试; exit 0", "."} {
		p.Reads(`    > `)
		p.Types(line)
	}
	p.Reads(`- echo 试; exit 3\r\n +\+ echo 试; exit 0\r\n(?s:.*)type "y" to go on> `)
	p.Types("y")
	p.Reads(`GATE 2 坏\r\n.*not what the runbook says(?s:.*)\+ echo 试; exit 0(?s:.*)type "break" to go on`)
	p.Types("steps")
	p.Reads(`2 坏 – this machine: gate(?s:.*)type "break" to go on`)
	p.Types("break")
	p.Reads(`break local done(?s:.*)number> `)
	p.Types("ad hoc")
	p.Reads(`which command, in sh> `)
	p.Types("echo beside")
	p.Reads(`type y to run it> `)
	p.Types("y")
	p.Reads(`\| beside\r\n(?s:.*)number> `)
	p.Types("jump")
	p.Reads(`which step.*> `)
	p.Types("last")
	p.Reads(`3 Cut – this machine \(gate, irreversible\)(?s:.*)type "jump"> `)
	p.Types("jump")
	p.Reads(`reason> `)
	p.Types("不需要")
	p.Reads(`cut local skipped Cut \(不需要\)(?s:.*)number> `)
	p.Types("again")
	p.Reads(`which step.*> `)
	p.Types("break")
	p.Reads(`not safe to repeat(?s:.*)type "RERUN break local"> `)
	p.Types("RERUN")
	p.Reads(`nothing done(?s:.*)number> `)
	p.Types("timeline 看一眼")
	p.Reads(`note: 看一眼\r\n(?s:.*)number> `)
	p.Types("go")
	p.Reads(`with exceptions after`)
	if code := p.Ends(); code != exitOK {
		t.Errorf("it ended with %d", code)
	}
}
