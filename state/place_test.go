package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, path string)
		want  string
		hint  string
	}{
		{"wide directory", func(t *testing.T, p string) { chmod(t, filepath.Dir(p), 0o755) }, "(mode 0755)", "`chmod 700 DIR`"},
		{"wide file", func(t *testing.T, p string) { chmod(t, p, 0o640) }, "(mode 0640)", "`chmod 600 DIR/stepgate.db*`"},
		{"wide log", func(t *testing.T, p string) { create(t, p+"-wal", "", 0o644) }, "(mode 0644)", "`chmod 600 DIR/stepgate.db*`"},
		{"symbolic link", func(t *testing.T, p string) {
			if err := errors.Join(os.Rename(p, p+"2"), os.Symlink(p+"2", p)); err != nil {
				t.Fatal(err)
			}
		}, "is a symbolic link", "move DIR/stepgate.db away"},
		{"no database", func(t *testing.T, p string) { create(t, p, strings.Repeat("hello ", 1000), 0o600) }, "the file is damaged", "nothing was changed"},
		{"damaged", func(t *testing.T, p string) { scribble(t, p) }, "the file is damaged", "mkdir DIR/broken && mv DIR/stepgate.db* DIR/runs DIR/broken"},
		{"of another program", func(t *testing.T, p string) { raw(t, p, "PRAGMA application_id=7") }, "not a journal of stepgate", ""},
		{"of a later version", func(t *testing.T, p string) { raw(t, p, "PRAGMA user_version=99") }, "it has schema 99, and this version of stepgate knows 1", "the version of stepgate that wrote it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			s, err := Open(ctx, path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			tt.spoil(t, path)
			_, err = Open(ctx, path, Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %s", err, tt.want)
			}
			hint := strings.ReplaceAll(text.HintOf(err), filepath.Dir(path), "DIR")
			if !strings.Contains(hint, tt.hint) {
				t.Errorf("hint is %q, want %q", hint, tt.hint)
			}
		})
	}
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, path, content string, mode fs.FileMode) {
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	chmod(t, path, mode)
}

// scribble keeps the header and spoils the schema's page.
func scribble(t *testing.T, path string) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte(strings.Repeat("\xff", 3900)), 100)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// Permissions mean nothing to root, so this is asked of a process without them.
func TestUnwritableDirectory(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "stepgate-state") // unlike t.TempDir, below nothing of ours alone
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	create(t, filepath.Join(dir, "child"), string(b), 0o755)
	state := filepath.Join(dir, "state")
	path := filepath.Join(state, "stepgate.db")
	chmod(t, dir, 0o777)
	ask := func() string {
		cmd := exec.Command(filepath.Join(dir, "child"), path)
		if os.Geteuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		return strings.ReplaceAll(strings.Join(spawnCmd(t, cmd, "open").rest(t), "\n"), state, "DIR")
	}
	if got := ask(); got != "opened 0\nread 0" { // makes it, and a run for later
		t.Fatalf("got %s", got)
	}
	chmod(t, state, 0o500)
	got := ask()
	for _, want := range []string{`"DIR" can't be written: permission denied`, "hint `chmod u+rwx DIR`", "\nread 1"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	chmod(t, state, 0o700)
	if err := os.Remove(path + "-shm"); err != nil { // SQLite can't make it anew there
		t.Fatal(err)
	}
	chmod(t, state, 0o500)
	if got := ask(); !strings.HasSuffix(got, "\nread 1") {
		t.Errorf("got %s", got)
	}
	chmod(t, state, 0o700)
	chmod(t, path, 0o400)
	if got := ask(); !strings.Contains(got, "hint `chmod u+rw DIR/stepgate.db*`") || !strings.Contains(got, "\nread 1") {
		t.Errorf("got %s", got)
	}
	for _, p := range []string{path, path + "-shm"} { // SQLite has made it anew, as the database was
		chmod(t, p, 0o600)
	}
	if got := ask(); got != "opened 1\nread 1" {
		t.Errorf("something was lost: %s", got)
	}
	if os.Geteuid() == 0 {
		_, err = Open(ctx, path, Options{})
		if err == nil || !strings.Contains(err.Error(), "belongs to user id 65534, and you are 0") {
			t.Errorf("another's journal: %v", err)
		}
	}
}

// childOpen opens a journal, says what became of it, and reads it. In a new one
// it leaves a run whose events are in the log only, as a killed process does.
func childOpen(args []string) error {
	s, err := Open(ctx, args[0], Options{})
	if err != nil {
		fmt.Printf("refused %v\nhint %s\n", err, text.HintOf(err))
	} else {
		infos, err := s.Runs(ctx)
		if err != nil {
			return err
		}
		fmt.Println("opened", len(infos))
		if len(infos) == 0 {
			defer func() {
				if _, err := begin(s, "r1"); err != nil {
					fmt.Println("error", err)
				}
			}()
		}
	}
	ro, err := OpenReadOnly(ctx, args[0])
	if err != nil {
		return err
	}
	infos, err := ro.Runs(ctx)
	if err != nil {
		return err
	}
	if len(infos) > 0 {
		if v, err := ro.Verify(ctx, infos[0].ID); err != nil || !v.OK() {
			return fmt.Errorf("verify: %+v, %w", v, err)
		}
	}
	fmt.Println("read", len(infos))
	return nil
}

// After a sudo that has kept HOME nothing is made there: its owner could not use
// it any more.
func TestNothingIsMadeInAnothersHome(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	chown(t, home)
	path := filepath.Join(home, ".local", "state", "stepgate.db")
	_, err := Open(ctx, path, Options{})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q belongs to user id 65534, and you are 0", home)) ||
		!strings.Contains(text.HintOf(err), "after sudo, HOME can still be another user's") {
		t.Errorf("got %v, %s", err, text.HintOf(err))
	}
	if left, err := os.ReadDir(home); err != nil || len(left) != 0 {
		t.Errorf("made %v, %v", left, err)
	}
	found := Examine(ctx, path)
	if last := found[len(found)-1]; last.Severity != run.Obstacle || !strings.Contains(last.What, "belongs to user id 65534") {
		t.Errorf("looked at: %+v", found)
	}
}
