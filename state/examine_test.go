package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// untidy leaves a run that is open and whose driver is gone.
func untidy(t *testing.T) (path string) {
	t.Helper()
	path = newPath(t)
	c := spawn(t, "write", path, "r1", "wang@bastion")
	c.line(t)
	c.kill()
	return path
}

func TestExamine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		spoil    func(t *testing.T, path string)
		id       string
		severity run.Severity
		what, do string
	}{
		{"as it should be", func(*testing.T, string) {}, "journal.structure", run.Fine, "guards of its schema hold", ""},
		{"library", func(*testing.T, string) {}, "journal.sqlite", run.Fine, "synchronous=FULL hold", ""},
		{"driver gone", func(*testing.T, string) {}, "journal.leases", run.Warning, `run "r1" was left by li@bastion, whose process is gone`, "`stepgate resume r1`"},
		{"wide directory", func(t *testing.T, p string) { chmod(t, filepath.Dir(p), 0o755) }, "journal.modes", run.Obstacle, "(mode 0755)", "`chmod 700 DIR`"},
		{"wide database", func(t *testing.T, p string) { chmod(t, p, 0o644) }, "journal.modes", run.Obstacle, "(mode 0644)", "`chmod 600 DIR/stepgate.db*`"},
		{"wide log", func(t *testing.T, p string) { chmod(t, p+"-wal", 0o644) }, "journal.modes", run.Obstacle, "(mode 0644)", "`chmod 600 DIR/stepgate.db*`"},
		{"another's directory", func(t *testing.T, p string) { chown(t, filepath.Dir(p)) }, "journal.modes", run.Obstacle, "belongs to user id 65534", "XDG_STATE_HOME"},
		{"no ballast", func(t *testing.T, p string) { remove(t, filepath.Join(filepath.Dir(p), ballastName)) }, "journal.ballast", run.Warning, "no space is set aside", "sets it aside anew"},
		{"log gone", func(t *testing.T, p string) { remove(t, p+"-wal") }, "journal.log", run.Warning, "stepgate.db-wal\" is gone", "put it back"},
		{"runs lost with the log", func(t *testing.T, p string) { remove(t, p+"-wal") }, "journal.database", run.Obstacle, "the journal is gone or empty, and it had runs", "put DIR/stepgate.db back"},
		{"database gone", func(t *testing.T, p string) { remove(t, p); remove(t, p+"-wal") }, "journal.database", run.Obstacle, "the journal is gone or empty", "`mv DIR/runs DIR/runs.lost`"},
		{"no database file", func(t *testing.T, p string) {
			remove(t, p+"-wal") // a log alone makes the database whole
			create(t, p, strings.Repeat("hello ", 1000), 0o600)
		}, "journal.database", run.Obstacle, "the file is damaged", "mv DIR/stepgate.db*"},
		{"of a later version", func(t *testing.T, p string) { raw(t, p, "PRAGMA user_version=99") }, "journal.schema", run.Obstacle, "it has schema 99", "the version of stepgate that wrote it"},
		{"guard dropped", func(t *testing.T, p string) { raw(t, p, "DROP INDEX one_use") }, "journal.structure", run.Obstacle, "one_use", "stepgate export"},
		{"event changed", func(t *testing.T, p string) { raw(t, p, unguard, "UPDATE event SET actor='x' WHERE run_seq=2") }, "journal.chain", run.Obstacle, `event 2 of run "r1" can't be trusted`, "`stepgate export r1`"},
		{"put back", func(t *testing.T, p string) { raw(t, p, unguard, "DELETE FROM event WHERE run_seq=2") }, "journal.chain", run.Obstacle, "the run had 2 events", "`stepgate export r1`"},
		{"run gone", func(t *testing.T, p string) { raw(t, p, unguard, "DELETE FROM event") }, "journal.heads", run.Obstacle, `run "r1" is remembered`, "`mv DIR/runs/r1.head DIR/runs/r1.head.lost`"},
		{"head gone", func(t *testing.T, p string) { remove(t, headOf(p)) }, "journal.heads", run.Warning, `the head of run "r1" isn't remembered`, "next event"},
		{"database is a link", func(t *testing.T, p string) {
			if err := errors.Join(os.Rename(p, p+"2"), os.Symlink(p+"2", p)); err != nil {
				t.Fatal(err)
			}
		}, "journal.modes", run.Obstacle, "is a symbolic link", "move DIR/stepgate.db away"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := untidy(t)
			tt.spoil(t, path)
			dir := filepath.Dir(path)
			var all []string
			for _, f := range Examine(ctx, path) {
				if f.ID == tt.id && f.Severity == tt.severity && strings.Contains(f.What, tt.what) &&
					strings.Contains(strings.ReplaceAll(f.Do, dir, "DIR"), tt.do) {
					return
				}
				if f.Severity != run.Fine && (f.Why == "" || f.Do == "") {
					t.Errorf("it doesn't say why, or what to do: %+v", f)
				}
				all = append(all, fmt.Sprintf("%+v", f))
			}
			t.Errorf("not found among\n%s", strings.Join(all, "\n"))
		})
	}
}

func remove(t *testing.T, path string) {
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func chown(t *testing.T, path string) {
	if err := os.Chown(path, 65534, 65534); err != nil {
		t.Skipf("NOT TESTED: giving a directory away: %v", err)
	}
}

// What is looked at isn't changed, and where all is well nothing stands in the
// way.
func TestExamineChangesNothing(t *testing.T) {
	t.Parallel()
	path := untidy(t)
	before := content(t, path)
	for _, f := range Examine(ctx, path) {
		if f.Severity == run.Obstacle {
			t.Errorf("%+v", f)
		}
	}
	if after := content(t, path); after != before {
		t.Errorf("was\n%s\nis\n%s", before, after)
	}
	none := newPath(t)
	found := Examine(ctx, none)
	if last := found[len(found)-1]; last.Severity != run.Fine || !strings.Contains(last.What, "the first run makes") {
		t.Errorf("no journal: %+v", found)
	}
	if _, err := os.Stat(filepath.Dir(none)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory was made: %v", err)
	}
}

// content is the names and sizes of a journal's files, and what is in them, but
// the index, which is made anew by who reads.
func content(t *testing.T, path string) string {
	t.Helper()
	var all []string
	err := filepath.Walk(filepath.Dir(path), func(p string, fi os.FileInfo, err error) error {
		if err != nil || fi.IsDir() || strings.HasSuffix(p, "-shm") {
			return err
		}
		b, err := os.ReadFile(p)
		all = append(all, fmt.Sprintf("%s %d %x", p, len(b), pad(b[:min(len(b), 32)])))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// A process that was stopped while it wrote is named, by its number, to who
// can't write because of it.
func TestWriterThatWasStopped(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := openAt(t, path)
	started(t, s, "r1")
	c := spawn(t, "stuck", path)
	if got := c.line(t); got != "locked" {
		t.Fatal(got)
	}
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if _, err := s.w.Exec("PRAGMA busy_timeout=10"); err != nil {
		t.Fatal(err)
	}
	_, err := s.AppendGuest(ctx, "r1", "li", noon, run.Note{Text: "x"})
	var busy *BusyError
	if !errors.As(err, &busy) || !strings.HasPrefix(busy.Writer, fmt.Sprintf("process %d (", c.cmd.Process.Pid)) {
		t.Errorf("got %v", err)
	}
	if h, ok := writerOf(path); !ok || !strings.Contains(h.remedy(), fmt.Sprintf("`kill -CONT %d`", c.cmd.Process.Pid)) {
		t.Errorf("got %+v %q", h, h.remedy())
	}
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	c.kill()
	if _, err := s.AppendGuest(ctx, "r1", "li", noon, run.Note{Text: "x"}); err != nil {
		t.Errorf("after its end: %v", err)
	}
	if h, ok := writerOf(path); ok {
		t.Errorf("it still writes: %v", h)
	}
}

// childStuck begins to write and doesn't end.
func childStuck(args []string) error {
	db := openWriter(args[0])
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	fmt.Println("locked")
	_, err := fmt.Scanln()
	return err
}

// A program that has the whole database locked keeps the journal from being
// opened; that too is said, and not waited for without end.
func TestDatabaseThatAnotherProgramHasLocked(t *testing.T) {
	t.Parallel()
	path := lived(t)
	db := openPlain(path)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range []string{"PRAGMA locking_mode=EXCLUSIVE", "BEGIN EXCLUSIVE"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(ctx, path, Options{}); !errors.As(err, new(*BusyError)) || !strings.Contains(text.HintOf(err), "nothing was started") {
		t.Errorf("got %v, hint %q", err, text.HintOf(err))
	}
}
