package state

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepgate/runbook/run"
)

const oldest = "testdata/schema1.db"

// writeOldest makes the journal that later versions must be able to read. It is
// made once for each schema.
func writeOldest(t *testing.T) {
	b, err := os.ReadFile(lived(t))
	if err == nil {
		err = errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(oldest, b, 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func oldJournal(t *testing.T) (path string) {
	b, err := os.ReadFile(oldest)
	if err != nil {
		t.Fatal(err)
	}
	path = newPath(t)
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	create(t, path, string(b), 0o600)
	return path
}

func TestJournalOfSchema1(t *testing.T) {
	if *update {
		writeOldest(t)
	}
	t.Parallel()
	s := openAt(t, oldJournal(t))
	v, err := s.Verify(ctx, "r1")
	if err != nil || !v.OK() || v.Events != 7 {
		t.Fatalf("got %+v, %v", v, err)
	}
	recs, err := s.Load(ctx, "r1")
	if err != nil {
		t.Fatal(err)
	}
	if got := recs[2].Event.(run.Intent).Dispatch.Body; got != "bash bin/start.sh stop tablet\n" {
		t.Errorf("body is %q", got)
	}
	data, _, _, err := s.Output(ctx, "a1", 0, 0, 1<<20)
	if err != nil || string(data) != strings.Repeat("Stopping tablet ...\n", 100) {
		t.Errorf("output is %q, %v", data, err)
	}
	l, err := s.TakeLease(ctx, "r1", "li")
	if err != nil || l.Epoch() != 2 {
		t.Fatalf("%v, %v", l, err)
	}
	defer l.Release()
	if got := mustAppend(t, s, l, run.Note{Text: "on"}); got[0].Seq != 8 {
		t.Errorf("next event is %d", got[0].Seq)
	}
}

func TestMigrationKeepsACopy(t *testing.T) {
	t.Parallel()
	path := oldJournal(t)
	db := openWriter(path)
	defer db.Close()
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	bad := append(steps[:len(steps):len(steps)], "CREATE TABLE more(x); INSERT INTO nowhere VALUES(1)")
	if err := migrate(ctx, db, path, bad); err == nil || !strings.Contains(err.Error(), "bring it to schema 2") {
		t.Errorf("got %v", err)
	}
	if n, err := schemaOf(ctx, db); err != nil || n != 1 {
		t.Errorf("a failed step left schema %d, %v", n, err)
	}
	good := append(steps[:len(steps):len(steps)], "CREATE TABLE more(x); ALTER TABLE blob ADD COLUMN y TEXT")
	for range 2 { // the second time there is nothing to do
		if err := migrate(ctx, db, path, good); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := schemaOf(ctx, db); err != nil || n != 2 {
		t.Errorf("schema %d, %v", n, err)
	}
	if fi, err := os.Stat(path + ".schema1"); err != nil || fi.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", fi, err)
	}
	ro, err := OpenReadOnly(ctx, path+".schema1")
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	if v, err := ro.Verify(context.Background(), "r1"); err != nil || !v.OK() || v.Events != 7 {
		t.Errorf("the copy: %+v, %v", v, err)
	}
	if left, err := filepath.Glob(path + "*.part"); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := Open(ctx, path, Options{}); !errors.As(err, new(*NewerSchemaError)) {
		t.Errorf("written by this version: %v", err)
	}
}

// What a later version wrote is read as far as this one can.
func TestJournalOfALaterVersion(t *testing.T) {
	t.Parallel()
	path := lived(t)
	raw(t, path, `ALTER TABLE event ADD COLUMN more TEXT`, `PRAGMA user_version=99`)
	s, err := OpenReadOnly(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if w := s.Warnings(); len(w) != 1 || !strings.Contains(w[0], "schema 99, and this version of stepgate knows 1") {
		t.Errorf("warnings: %q", w)
	}
	if recs, err := s.Load(ctx, "r1"); err != nil || len(recs) != 7 {
		t.Errorf("%d events, %v", len(recs), err)
	}
	// It may chain its events in another way: that isn't a break.
	raw(t, path, unguard, `UPDATE event SET hash=zeroblob(32) WHERE run_seq=5`)
	recs, err := s.Load(ctx, "r1")
	if !errors.As(err, new(*NewerSchemaError)) || len(recs) != 4 {
		t.Errorf("%d events, %v", len(recs), err)
	}
	raw(t, path, `ALTER TABLE event RENAME TO happening`)
	if _, err := OpenReadOnly(ctx, path); !errors.As(err, new(*NewerSchemaError)) {
		t.Errorf("without its table: %v", err)
	}
}

// A step that would change what the runs are is taken back.
func TestMigrationThatChangesARunIsTakenBack(t *testing.T) {
	t.Parallel()
	path := oldJournal(t)
	db := openWriter(path)
	defer db.Close()
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{unguard + `; UPDATE event SET actor='x' WHERE run_seq=4`, unguard + `; DELETE FROM event WHERE run_seq=7`} {
		err := migrate(ctx, db, path, append(steps[:len(steps):len(steps)], bad))
		if err == nil || !strings.Contains(err.Error(), "the runs would be other ones") {
			t.Errorf("%s: got %v", bad, err)
		}
	}
	if n, err := schemaOf(ctx, db); err != nil || n != 1 {
		t.Errorf("schema %d, %v", n, err)
	}
	if v, err := openAt(t, path).Verify(ctx, "r1"); err != nil || !v.OK() || v.Events != 7 {
		t.Errorf("%+v, %v", v, err)
	}
}
