package executor_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepgate/executor"
)

// output collects what a look prints.
type output struct{ strings.Builder }

func (o *output) Output(s executor.Stream, _ int64, p []byte) {
	if s == executor.Stdout {
		o.Write(p)
	}
}

func TestALoginShellReadsItsProfile(t *testing.T) {
	t.Parallel()
	home := memoryDir(t)
	for _, name := range []string{".profile", ".bash_profile", ".zprofile"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte("tool=/opt/tool; export tool\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x := executor.NewLocal(executor.LocalOptions{Dir: home, Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}})
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	// The last one is no shell: it gets its environment from one.
	reader := filepath.Join(home, "reader")
	if err := os.WriteFile(reader, []byte("#!/bin/sh\nexec sh \"$1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	body := `echo "$tool,$value"`
	for _, interpreter := range []string{"sh", "bash", reader} {
		for _, login := range []bool{false, true} {
			var out output
			res, err := x.Look(t.Context(), executor.Command{
				Interpreter: interpreter, Login: login, Body: body, Env: []executor.Var{{Name: "value", Value: "it's given"}},
			}, &out)
			want := ",it's given\n"
			if login {
				want = "/opt/tool" + want
			}
			if err != nil || res.Exit != 0 || out.String() != want {
				t.Errorf("%s, login %v: exit %d, %v, prints %q, want %q", interpreter, login, res.Exit, err, out.String(), want)
			}
		}
	}
}
