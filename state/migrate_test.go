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
	var newer *NewerSchemaError
	if _, err := OpenReadOnly(ctx, path); !errors.As(err, &newer) || *newer != (NewerSchemaError{2, 1}) {
		t.Errorf("got %v", err)
	}
}
