package userland

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"

	"stepgate/lab/site"
)

// cat is a process that runs until its input is closed.
func cat(t *testing.T, env ...string) (cmd *exec.Cmd, input io.Closer) {
	t.Helper()
	cmd = exec.Command("cat", "-")
	cmd.Env = append(os.Environ(), env...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	return cmd, in
}

func TestAProcessIsFoundByAllOfItsMarksUntilItEnds(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("NOT TESTED: processes are found in Linux's /proc")
	}
	dir := "LAB_DIR=" + t.TempDir()
	cmd, input := cat(t, dir, "LAB_HOST=a")
	gone, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	// Until it has become cat, the child may show this process's own face.
	Await(t.Context(), gone, func() bool {
		found, err := Processes(dir, "LAB_HOST=a")
		return err != nil || len(found) == 1 && found[0].PID == cmd.Process.Pid && slices.Equal(found[0].Args, []string{"cat", "-"})
	})
	for _, row := range []struct {
		marks []string
		want  int
	}{
		{[]string{dir}, 1},
		{[]string{dir, "LAB_HOST=a"}, 1},
		{[]string{dir, "LAB_HOST=b"}, 0},
		{[]string{dir + "x"}, 0},
		{[]string{dir[:len(dir)-1]}, 0},
	} {
		if found, err := Processes(row.marks...); err != nil || len(found) != row.want {
			t.Errorf("%q: %v, %v", row.marks, found, err)
		}
	}
	if err := input.Close(); err != nil {
		t.Fatal(err)
	}
	<-gone
	if found, err := Processes(dir); err != nil || len(found) > 0 {
		t.Errorf("after its end: %v, %v", found, err)
	}
}

func TestAwaitEndsWithTheProcessOrItsContext(t *testing.T) {
	t.Parallel()
	never := func() bool { return false }
	cmd, input := cat(t)
	gone, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	Await(ctx, gone, never)
	select {
	case <-gone:
		t.Error("it has ended already")
	default:
	}
	if err := input.Close(); err != nil {
		t.Fatal(err)
	}
	Await(t.Context(), gone, never)
	if !cmd.ProcessState.Success() {
		t.Errorf("it ended with %v", cmd.ProcessState)
	}
	if _, err := Start(exec.Command("/nowhere/at/all")); err == nil {
		t.Error("a program that isn't there was started")
	}
}

func TestACallIsRecordedBeforeItActs(t *testing.T) {
	t.Parallel()
	s := &site.Site{Dir: t.TempDir(), Speed: 1000, Hosts: []site.Host{{Name: "a"}}}
	var told bytes.Buffer
	c := Call{Site: s, Host: &s.Hosts[0], Stderr: &told}
	if !c.Record("start.sh", []string{"start", "tablet"}) {
		t.Error(told.String())
	}
	entries, err := s.Ledger()
	if err != nil || len(entries) != 1 || entries[0].Host != "a" || entries[0].Program != "start.sh" {
		t.Errorf("%+v, %v", entries, err)
	}
	s.Dir += "/none"
	if c.Record("start.sh", nil) || told.Len() == 0 {
		t.Errorf("an act that can't be recorded may go on; told: %q", told.String())
	}
}
