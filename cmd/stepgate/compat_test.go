package main

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stepgate/cmd/torture/tally"
)

// journals has a journal of each version that was used, in a directory named by
// the commit that its program was built from. They are never written anew.
const journals = "testdata/journals"

var freeze = flag.String("freeze", "", "NAME=PROGRAM: have a program of that version write its journal")

// oldBooks are runbooks that every version can run, with how each of their runs
// stands.
var oldBooks = []struct{ name, text, state string }{
	{"done", "# 全部完成\n\n- [ ] One {#one}\n\n  ```sh {.idempotent}\n  echo 一; echo err >&2\n  ```\n  ```expect\n  exit == 0\n  ```\n", "done"},
	{"manual", "# By hand\n\n- [ ] One {#one}\n\n  ```sh\n  seq 1 2000\n  ```\n- [ ] Look {#look}\n\n  Look at it.\n", "resumable"},
	{"failed", "# Fails\n\n- [ ] One {#one}\n\n  ```sh {.check}\n  true\n  ```\n  ```sh\n  echo no; exit 3\n  ```\n", "resumable"},
	{"gate", "+++\nconfirm = \"yes\"\n+++\n# Behind a gate\n\n- [ ] One {#one}\n\n  > [!CAUTION]\n  > It can't be undone.\n\n  ```sh {.check}\n  true\n  ```\n  ```sh {.irreversible}\n  echo gone\n  ```\n", "resumable"},
}

func writeOldJournal(t *testing.T, name, program string) {
	c := newCrash(t, nil)
	for _, b := range oldBooks {
		book := filepath.Join(t.TempDir(), b.name+".md")
		if err := os.WriteFile(book, []byte(b.text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, "run", book, "--auto")
		cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+c.state)
		if out, err := cmd.CombinedOutput(); err != nil && !errors.As(err, new(*exec.ExitError)) {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	from, to := filepath.Join(c.state, "stepgate"), filepath.Join(journals, name)
	if err := os.MkdirAll(filepath.Join(to, "runs"), 0o755); err != nil {
		t.Fatal(err)
	}
	heads, err := filepath.Glob(filepath.Join(from, "runs", "*.head"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(heads, filepath.Join(from, "stepgate.db")) {
		b, err := os.ReadFile(p)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, strings.TrimPrefix(p, from)), b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Journals of every version that was used are listed, shown, exported and
// verified, and their runs go on from where they were.
func TestTortureT19(t *testing.T) {
	t.Parallel()
	if name, program, ok := strings.Cut(*freeze, "="); ok {
		writeOldJournal(t, name, program)
	}
	versions, err := os.ReadDir(journals)
	if err != nil || len(versions) < 2 {
		t.Fatalf("%d versions, %v", len(versions), err)
	}
	tally.Add(t, tally.Runs, len(versions)*len(oldBooks))
	for _, v := range versions {
		t.Run(v.Name(), func(t *testing.T) {
			t.Parallel()
			c := newCrash(t, nil)
			if out, err := exec.Command("cp", "-r", filepath.Join(journals, v.Name()), filepath.Join(c.state, "stepgate")).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if out, err := exec.Command("chmod", "-R", "u=rwX,go=", filepath.Join(c.state, "stepgate")).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var listed []struct{ ID, Title, State, Problem string }
			if err := json.Unmarshal([]byte(c.good("list", "--json")), &listed); err != nil || len(listed) != len(oldBooks) {
				t.Fatalf("%+v, %v", listed, err)
			}
			c.good("verify", "--all")
			states := map[string]bool{}
			for _, l := range listed {
				states[l.State] = true
				c.readsOld(l.ID, l.Title)
				if l.State == "resumable" {
					_, errs, code := c.stepgate("resume", l.ID, "--auto")
					if !slices.Contains([]int{exitWaiting, exitFailed}, code) || !strings.Contains(errs, l.ID) {
						t.Errorf("resume %s (%s): %d\n%s", l.ID, l.Title, code, errs)
					}
				}
			}
			if len(states) != 2 || !states["resumable"] {
				t.Errorf("states %v", states)
			}
			c.good("verify", "--all")
		})
	}
}

// good runs a command that must end well, and returns what it printed.
func (c *crash) good(args ...string) string {
	c.t.Helper()
	out, errs, code := c.stepgate(args...)
	if code != 0 {
		c.t.Errorf("%q: %d\n%s%s", args, code, out, errs)
	}
	return out
}

// readsOld shows and exports a run of another version.
func (c *crash) readsOld(id, title string) {
	c.t.Helper()
	if out := c.good("show", id); !strings.Contains(out, title) {
		c.t.Errorf("show %s:\n%s", id, out)
	}
	file := filepath.Join(c.t.TempDir(), "run.md")
	c.good("export", id, "-o", file)
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), title) {
		c.t.Errorf("export of %s: %v\n%s", id, err, b)
	}
	if out := c.good("timeline", id); !strings.Contains(out, "one") {
		c.t.Errorf("timeline %s:\n%s", id, out)
	}
}
