package main

import (
	"path/filepath"
	"testing"
)

// From the home screen a runbook is begun: the name, the inventory and the values are
// asked for, then the run is there. Left, it is on top at home, and one key resumes it.
func TestHomeBeginsAndResumes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	work := filepath.Join(dir, "work")
	write(t, filepath.Join(work, "rotate.md"), "+++\ntitle = \"轮换日志\"\n[params.keep]\nprompt = \"保留几份\"\ntype = \"int\"\n[groups.web]\n+++\n"+
		"## Servers {#servers each=web}\n\n- [ ] 看一眼 {#look}\n- [ ] 轮换 {#rotate}\n\n  ```sh {on=local}\n  echo \"$keep\"\n  ```\n")
	write(t, filepath.Join(work, "hosts.toml"), "[groups.web]\nhosts = [\"web-1\"]\n[hosts.web-1]\n")
	s := sit(t, dir, work, 100, 30)
	s.sees("No run is open", "轮换日志")
	s.types("\r")
	s.sees("Your name")
	s.types("\x15王芳\x13")
	s.sees("Inventory file", "hosts.toml", "found here")
	s.types("\x13")
	s.sees("保留几份", "inventory hosts.toml")
	s.types("x")
	s.sees("is not a whole number")
	s.types("\x7f7\x13")
	s.sees("preflight: 轮换日志", "Nothing has been changed so far")
	s.types("\r")
	s.sees("to be done by hand: 1.1 看一眼", "0/2")
	s.types("\r")
	s.sees("1/2")
	s.types("q")
	s.sees("runs and runbooks", "next: 1.2 轮换", "1/2")
	s.types("\r")
	s.sees("Steps", "next: 1.2 轮换 on this machine for web-1")
	s.types("q")
	s.sees("runs and runbooks")
	s.types("q")
	if code := s.leaves(); code != exitOK {
		t.Errorf("it ended with %d", code)
	}

	// The name was kept, and isn't asked for again.
	s = sit(t, dir, work, 100, 30, "resume")
	s.sees("1/2")
	s.types("q")
	if code := s.leaves(); code != exitWaiting {
		t.Errorf("it ended with %d", code)
	}
}
