package engine_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"stepgate/executor"
	"stepgate/runbook/run"
)

// cutFiles is a host that is lost at the first file that is written there.
type cutFiles struct {
	executor.Executor
	cut *atomic.Int64
}

func (c cutFiles) Files(ctx context.Context) (executor.Files, error) {
	f, err := c.Executor.Files(ctx)
	return cutWrites{f, c.cut}, err
}

type cutWrites struct {
	executor.Files
	cut *atomic.Int64
}

func (c cutWrites) Write(path string, offset int64, r io.Reader) error {
	if c.cut.Add(1) == 1 {
		_ = c.Files.Write(path, offset, io.LimitReader(r, 3))
		return &executor.ReachError{Host: "a", Cause: errors.New("the connection was lost")}
	}
	return c.Files.Write(path, offset, r)
}

func copyBook(dir string) string {
	return "+++\n[groups.pair]\n+++\n- [ ] Copy {#one}\n\n  ~~~copy\n  from " + dir + "/from\n  to a:" + dir + "/to\n  ~~~\n- [ ] By hand {#two}\n"
}

// TestACopyWhoseHostIsLostGoesOn reconnects by itself, and keeps what it has copied.
func TestACopyWhoseHostIsLostGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "from"), []byte("content\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	st := newStage(t, copyBook(dir))
	open, cut := st.hosts, new(atomic.Int64)
	st.hosts = func(name string, ask executor.Asker) (executor.Executor, error) {
		x, err := open(name, ask)
		if name == "a" {
			return cutFiles{x, cut}, err
		}
		return x, err
	}
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	s := d.at(run.WaitManual, "two")
	if got, err := os.ReadFile(filepath.Join(dir, "to")); string(got) != "content\n" {
		t.Errorf("copied %q, %v", got, err)
	}
	a := s.Run.Cells[0].Latest()
	if len(s.Run.Cells[0].Attempts) != 1 || a.Copied == nil || a.Copied.Files != 1 || a.Copied.Bytes != 8 || a.Copied.Sent != 5 {
		t.Fatalf("attempts %d, copied %+v", len(s.Run.Cells[0].Attempts), a.Copied)
	}
	manifest, err := st.store.Blob(t.Context(), a.Copied.Manifest)
	if err != nil || !strings.HasSuffix(string(manifest), "  0640  8  .\n") {
		t.Errorf("manifest %q, %v", manifest, err)
	}
}

// TestACopyThatCannotBeFails says why, and puts nothing under the name.
func TestACopyThatCannotBeFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	st := newStage(t, copyBook(dir))
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	s := d.at(run.WaitFailure, "one")
	if o := s.Run.Cells[0].Latest().Outcome; o == nil || o.Exit != 1 {
		t.Errorf("outcome %+v", o)
	}
	if err := os.WriteFile(filepath.Join(dir, "from"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d.do(run.Retry{})
	d.at(run.WaitManual, "two")
}
