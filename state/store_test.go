package state

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

func openPlain(path string) *sql.DB {
	return sql.OpenDB(connector{dsn: dsn(path, "mode=rw&_busy_timeout=5000")})
}

func TestPragmasHoldOnEveryConnection(t *testing.T) {
	t.Parallel()
	s := openAt(t, newPath(t))
	for _, tt := range []struct {
		db         *sql.DB
		name, want string
	}{
		{s.w, "journal_mode", "wal"},
		{s.w, "synchronous", "2"},
		{s.w, "foreign_keys", "1"},
		{s.w, "trusted_schema", "0"},
		{s.w, "cell_size_check", "1"},
		{s.w, "fullfsync", "1"},
		{s.w, "checkpoint_fullfsync", "1"},
		{s.w, "busy_timeout", "5000"},
		{s.w, "user_version", "1"},
		{s.r, "query_only", "1"},
		{s.r, "trusted_schema", "0"},
		{s.r, "busy_timeout", "5000"},
	} {
		var got string
		if err := tt.db.QueryRow("PRAGMA " + tt.name).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != tt.want {
			t.Errorf("%s is %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestPragmaThatDoesNotHoldIsRefused(t *testing.T) {
	t.Parallel()
	s := openAt(t, newPath(t))
	db := sql.OpenDB(connector{dsn: dsn(s.path, "mode=rw"), pragmas: []pragma{{"synchronous", "NORMAL", "2"}}})
	defer db.Close()
	if err := db.Ping(); err == nil || err.Error() != `synchronous is "1" and must be "2"` {
		t.Errorf("got %v", err)
	}
}

func TestFilesAreOursAlone(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := openAt(t, path)
	started(t, s, "r1")
	want := map[string]fs.FileMode{
		".": 0o700, "runs": 0o700, "stepgate.db": 0o600, "stepgate.db-wal": 0o600, "stepgate.db-shm": 0o600,
		"ballast": 0o600, "setup.lock": 0o600, "runs/r1.lock": 0o600, "runs/r1.head": 0o600,
	}
	got := map[string]fs.FileMode{}
	err := fs.WalkDir(os.DirFS(filepath.Dir(path)), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err == nil {
			got[p] = fi.Mode().Perm()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestAppendedIsWhatIsLoaded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "国 %41?#&", "stepgate.db")
	s := openAt(t, path)
	l := started(t, s, "r1")
	all := mustAppend(t, s, l, run.Note{Text: "看 <这里>"}, intent(1, "a1"), outcome("a1"))
	if all[0].Seq != 3 || all[0].Epoch != 1 || !all[0].Wall.Equal(noon.Add(time.Minute)) || all[1].Prev != all[0].Hash {
		t.Errorf("got %+v", all)
	}
	guest, err := s.AppendGuest(ctx, "r1", "wang", noon, run.Exported{Format: "md", SHA256: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if guest.Seq != 6 || guest.Epoch != 0 || guest.Actor != "wang" {
		t.Errorf("got %+v", guest)
	}
	all = append(append(all, guest), mustAppend(t, s, l, run.Paused{Why: "lunch"})...)
	loaded, err := s.Load(ctx, "r1")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(loaded[2:], all) {
		t.Errorf("loaded   %+v\nappended %+v", loaded[2:], all)
	}
	if got := loaded[0].Event.(run.RunStarted).Values["cluster"]; got != "生产" {
		t.Errorf("value is %q", got)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file isn't where its name says: %v", err)
	}
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	s := openAt(t, newPath(t))
	l := started(t, s, "r1")
	gated := intent(1, "a1")
	gated.Gate = "g1"
	mustAppend(t, s, l, gated, outcome("a1"))
	again := intent(2, "a2")
	again.Gate = "g1"
	other := intent(1, "a9")
	other.Cell.Target = "tablet-3"
	sameID := other
	sameID.Attempt = "a1"
	probed := run.OutcomeResolved{Cell: cell, Attempt: "a1", Method: run.ByProbe}
	for _, tt := range []struct {
		name   string
		events []run.Event
		want   string
	}{
		{"intent of the same attempt", []run.Event{intent(1, "a7")}, "attempt 1 of this cell has its intent"},
		{"attempt id of another cell", []run.Event{sameID}, `attempt "a1" has its intent`},
		{"second outcome", []run.Event{outcome("a1")}, `attempt "a1" has its outcome`},
		{"probe after the outcome", []run.Event{probed}, `attempt "a1" has its outcome`},
		{"grant for a second attempt", []run.Event{again}, `the grant of gate "g1" is used up`},
		{"grant for a manual step", []run.Event{run.ManualDone{Cell: cell, Gate: "g1"}}, `the grant of gate "g1" is used up`},
		{"second start", []run.Event{start("")}, "a run starts once"},
		{"good before bad in one batch", []run.Event{other, outcome("a1")}, `attempt "a1" has its outcome`},
	} {
		_, err := s.Append(ctx, l, "li", noon, tt.events...)
		var dup *DuplicateError
		if !errors.As(err, &dup) || dup.What != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
	if recs := mustAppend(t, s, l, other); recs[0].Seq != 5 {
		t.Errorf("a refused batch left something: next event is %d", recs[0].Seq)
	}
	var missing *NotFoundError
	if _, err := s.AppendGuest(ctx, "r2", "wang", noon, run.Note{Text: "x"}); !errors.As(err, &missing) {
		t.Errorf("note on no run: %v", err)
	}
}

// What an operator decides may follow an outcome; an outcome may not follow what
// an operator decided.
func TestOperatorJudgesAnew(t *testing.T) {
	t.Parallel()
	s := openAt(t, newPath(t))
	l := started(t, s, "r1")
	byHand := run.OutcomeResolved{Cell: cell, Attempt: "a1", Method: run.ByOperator, Reason: "seen to work", Succeeded: true}
	mustAppend(t, s, l, intent(1, "a1"), outcome("a1"), byHand, byHand)
	byHand.Attempt = "a2"
	mustAppend(t, s, l, intent(2, "a2"), run.Interrupted{Cell: cell, Attempt: "a2", Why: "link lost"}, byHand)
	var dup *DuplicateError
	if _, err := s.Append(ctx, l, "li", noon, outcome("a2")); !errors.As(err, &dup) {
		t.Errorf("outcome after the operator's word: %v", err)
	}
}

func TestGuestsAndDriverShareOneChain(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s, other := openAt(t, path), openAt(t, path)
	l := started(t, s, "r1")
	const each = 30
	var wg sync.WaitGroup
	for g := range 3 {
		wg.Go(func() {
			for i := range each {
				if _, err := other.AppendGuest(ctx, "r1", "wang", noon, run.Note{Text: fmt.Sprint(g, i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range each {
			a := fmt.Sprint("a", i)
			if _, err := s.Append(ctx, l, "li", noon, intent(i+1, a), outcome(a)); err != nil {
				t.Error(err)
			}
		}
	})
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for had := 0; ; {
				select {
				case <-stop:
					return
				default:
				}
				recs, err := s.Load(ctx, "r1")
				if err != nil || len(recs) < had {
					t.Errorf("read %d events after %d: %v", len(recs), had, err)
					return
				}
				had = len(recs)
				if _, err := other.Runs(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	readers.Wait()
	v, err := s.Verify(ctx, "r1")
	if err != nil || !v.OK() || v.Events != 2+5*each {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestReadOnlyStore(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	if _, err := OpenReadOnly(ctx, path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(text.HintOf(err), "stepgate demo") {
		t.Errorf("no journal: %v", err)
	}
	s := openAt(t, path)
	started(t, s, "r1")
	ro, err := OpenReadOnly(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	if recs, err := ro.Load(ctx, "r1"); err != nil || len(recs) != 2 {
		t.Errorf("got %d events, %v", len(recs), err)
	}
	for name, f := range map[string]func() error{
		"guest":  func() error { _, err := ro.AppendGuest(ctx, "r1", "li", noon, run.Note{}); return err },
		"blob":   func() error { _, err := ro.PutBlob(ctx, nil); return err },
		"output": func() error { return ro.AppendOutput(ctx, run.Chunk{Attempt: "a", Data: []byte("x")}) },
		"lease":  func() error { _, err := ro.TakeLease(ctx, "r2", "li"); return err },
	} {
		if err := f(); !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
