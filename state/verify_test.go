package state

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

const unguard = "DROP TRIGGER event_kept; DROP TRIGGER event_fixed; DROP TRIGGER event_scrubbed"

// lived makes a closed journal with one run of seven events and some output.
func lived(t testing.TB) (path string) {
	t.Helper()
	path = newPath(t)
	s, err := Open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := begin(s, "r1")
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, l, intent(1, "a1"))
	out := run.Chunk{Attempt: "a1", At: noon, Data: []byte(strings.Repeat("Stopping tablet ...\n", 100))}
	if err := s.AppendOutput(ctx, out); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, l, outcome("a1"), run.Note{Text: "疑似"}, run.Paused{})
	mustAppend(t, s, l, run.RunClosed{How: run.Done})
	if err := errors.Join(l.Release(), s.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// spoilSQL changes a journal behind its back.
func spoilSQL(qs ...string) func(*testing.T, string) {
	return func(t *testing.T, path string) { raw(t, path, qs...) }
}

var spoils = []struct {
	name  string
	spoil func(t *testing.T, path string)
	seq   uint64 // the first bad event; 0: none
	why   string
	drive bool // whether the run can be driven still
}{
	{"untouched", func(*testing.T, string) {}, 0, "", true},
	{"payload", spoilSQL(unguard, `UPDATE event SET payload=CAST(replace(payload, '"exit":0', '"exit":1') AS BLOB) WHERE run_seq=4`), 4, "payload was changed", true},
	{
		"payload and its hash", spoilSQL(unguard, `UPDATE event SET payload=x'7b7d', payload_sha=x'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a' WHERE run_seq=5`),
		5, "its hash differs", true,
	},
	{"actor", spoilSQL(unguard, `UPDATE event SET actor='wang' WHERE run_seq=3`), 3, "its hash differs", true},
	{"used grant", spoilSQL(unguard, `UPDATE event SET grant_id='g' WHERE run_seq=3`), 3, "its hash differs", true},
	{"middle cut out", spoilSQL(unguard, `DELETE FROM event WHERE run_seq=4`), 4, "event 4 is missing", true},
	{"end cut off", spoilSQL(unguard, `DELETE FROM event WHERE run_seq=7`), 7, "the run had 7 events, and the journal ends with event 6", false},
	{"all cut out", spoilSQL(unguard, `DELETE FROM event`), 1, "the run had 7 events", false},
	{
		"renumbered", spoilSQL(unguard, `DELETE FROM event WHERE run_seq=4`, `UPDATE event SET run_seq=run_seq-1 WHERE run_seq>4`),
		4, "isn't chained to the event before it", false,
	},
	{"start of another run", spoilSQL(unguard, `UPDATE event SET payload=CAST(replace(payload, '"closure":"', '"closure":"00') AS BLOB) WHERE run_seq=1`), 1, "payload was changed", true},
	{"scrubbed", spoilSQL(`UPDATE event SET payload=NULL WHERE run_seq=5`), 0, "", true},
	{"runbook", spoilSQL(`UPDATE blob SET data=x'00'`), 1, "its bytes were changed", true},
	{"no runbook", spoilSQL(`DELETE FROM blob`), 1, "the journal doesn't have it", true},
	{"output", spoilSQL(`UPDATE chunk SET data=substr(data, 1, 10)`), 3, "a compressed piece is damaged", true},
	{"head of another history", func(t *testing.T, path string) {
		create(t, headOf(path), fmt.Sprintf(headFormat, 6, strings.Repeat("ab", 32)), 0o600)
	}, 6, "remembers another event", false},
	{"head behind", func(t *testing.T, path string) {
		create(t, headOf(path), fmt.Sprintf(headFormat, 1, hashOf(t, path, 1)), 0o600)
	}, 0, "", true},
	{"head torn", func(t *testing.T, path string) { create(t, headOf(path), "stepgate-he", 0o600) }, 0, "", true},
	{"no head", func(t *testing.T, path string) {
		if err := os.Remove(headOf(path)); err != nil {
			t.Fatal(err)
		}
	}, 0, "", true},
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for _, tt := range spoils {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := lived(t)
			tt.spoil(t, path)
			s := openAt(t, path)
			v, err := s.Verify(ctx, "r1")
			if err != nil {
				t.Fatal(err)
			}
			seq, why := v.FirstBad()
			if seq != tt.seq || !strings.Contains(why, tt.why) {
				t.Errorf("event %d: %s; want %d: %s", seq, why, tt.seq, tt.why)
			}
			l, err := s.TakeLease(ctx, "r1", "li")
			if (err == nil) != tt.drive {
				t.Errorf("lease: %v", err)
			}
			if err == nil {
				err = l.Release()
			} else if b := (*BrokenError)(nil); errors.As(err, &b) && text.HintOf(err) != "" {
				err = nil
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func headOf(path string) string { return strings.TrimSuffix(path, "stepgate.db") + "runs/r1.head" }

func hashOf(t *testing.T, path string, seq int) (hash string) {
	db := openPlain(path)
	defer db.Close()
	if err := db.QueryRow(`SELECT lower(hex(hash)) FROM event WHERE run_seq=?`, seq).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	return hash
}

// A run that breaks off is shown up to there.
func TestLoadStopsAtTheBreak(t *testing.T) {
	t.Parallel()
	path := lived(t)
	raw(t, path, unguard, `UPDATE event SET actor='wang' WHERE run_seq=4`)
	recs, err := openAt(t, path).Load(ctx, "r1")
	var b *BrokenError
	if !errors.As(err, &b) || b.Seq != 4 || len(recs) != 3 {
		t.Errorf("%d events, %v", len(recs), err)
	}
	if want := "up to event 3"; !strings.Contains(text.HintOf(err), want) {
		t.Errorf("hint is %q, want %q", text.HintOf(err), want)
	}
}

func TestGuardsOfTheSchema(t *testing.T) {
	t.Parallel()
	path := lived(t)
	s := openAt(t, path)
	db := openPlain(path)
	defer db.Close()
	for q, want := range map[string]string{
		`DELETE FROM event WHERE run_seq=1`:      "an event is never deleted",
		`UPDATE event SET actor='x'`:             "an event is never changed",
		`UPDATE event SET payload=x'00'`:         "a payload is only ever scrubbed",
		`UPDATE event SET run_seq=9`:             "an event is never changed",
		`DELETE FROM lease`:                      "a lease is never deleted",
		`UPDATE lease SET epoch=epoch-1`:         "an epoch never goes back",
		`UPDATE event SET payload=NULL, actor=1`: "an event is never changed",
	} {
		if _, err := db.Exec(q); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", q, err, want)
		}
	}
	if v, err := s.Verify(ctx, "r1"); err != nil || !v.OK() || v.Beside != 7 {
		t.Fatalf("got %+v, %v", v, err)
	}
	raw(t, path, `DROP INDEX one_outcome`, `CREATE TABLE more(x)`)
	v, err := s.Verify(ctx, "r1")
	if err != nil || len(v.Problems) != 2 || !strings.Contains(v.Problems[0].Why, "one_outcome") || !strings.Contains(v.Problems[1].Why, "more(x)") {
		t.Errorf("got %+v, %v", v, err)
	}
	if seq, _ := v.FirstBad(); seq != 0 {
		t.Errorf("event %d is blamed for it", seq)
	}
}

func TestVerifyNoRun(t *testing.T) {
	t.Parallel()
	var missing *NotFoundError
	s := openAt(t, newPath(t))
	if _, err := s.Verify(ctx, "r1"); !errors.As(err, &missing) {
		t.Errorf("verify: %v", err)
	}
	if _, err := s.Load(ctx, "r1"); !errors.As(err, &missing) || text.HintOf(err) != "`stepgate list` shows them all" {
		t.Errorf("load: %v", err)
	}
}

// A later version's event is shown as far as it goes, and proves.
func TestUnknownKind(t *testing.T) {
	t.Parallel()
	path := lived(t)
	s := openAt(t, path)
	r := &row{runID: "r1", runSeq: 8, boot: "b", actor: "li", kind: "Levitated", payload: []byte(`{"high":1}`)}
	var prev []byte
	if err := s.w.QueryRow(`SELECT hash FROM event WHERE run_seq=7`).Scan(&prev); err != nil {
		t.Fatal(err)
	}
	r.seal(prev)
	tx, err := s.w.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(insert(tx, r), tx.Commit()); err != nil {
		t.Fatal(err)
	}
	recs, err := s.Load(ctx, "r1")
	var unknown *run.UnknownKindError
	if !errors.As(err, &unknown) || unknown.Kind != "Levitated" || len(recs) != 7 {
		t.Errorf("%d events, %v", len(recs), err)
	}
	if v, err := s.Verify(ctx, "r1"); err != nil || !v.OK() || v.Events != 8 {
		t.Errorf("got %+v, %v", v, err)
	}
}
