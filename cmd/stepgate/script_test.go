package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// Each file of testdata/script is one story of the command line, told with the
// real binary. `exits N CMD…` runs a command that must end with that code; its
// output is checked with stdout and stderr as usual.
func TestScripts(t *testing.T) {
	t.Parallel()
	bin := filepath.Dir(program(t))
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("STEPGATE_SSH_CONFIG", "none") // ssh itself doesn't go by HOME
			env.Setenv("STEPGATE_OPERATOR", "ann")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "lab-is-gone": labIsGone},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	got := 0
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%s ended with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// labIsGone checks that no directory and no process of a lab is left.
func labIsGone(ts *testscript.TestScript, _ bool, _ []string) {
	dir := filepath.Join(ts.Getenv("XDG_STATE_HOME"), "stepgate", "labs")
	left, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		ts.Fatalf("%v", err)
	}
	if len(left) > 0 {
		ts.Fatalf("labs are left: %v", left)
	}
	procs, err := filepath.Glob("/proc/[0-9]*/environ")
	ts.Check(err)
	mark := regexp.MustCompile("(^|\x00)LAB_DIR=" + regexp.QuoteMeta(dir))
	for _, p := range procs {
		if env, err := os.ReadFile(p); err == nil && mark.Match(env) {
			ts.Fatalf("%s is left of the lab", p)
		}
	}
}
