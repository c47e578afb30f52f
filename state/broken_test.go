package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// long makes a closed journal with a run of so many events that its table has
// many pages.
func long(t *testing.T, events int) (path string) {
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
	var notes []run.Event
	for i := range events - 2 {
		notes = append(notes, run.Note{Text: fmt.Sprint("note ", i, strings.Repeat(" 注", 100))})
	}
	mustAppend(t, s, l, notes...)
	if err := errors.Join(l.Release(), s.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// Whatever page of the file is damaged: what is read is what was written, what
// isn't read is said to be missing, and nothing is changed.
func TestTortureDamagedPages(t *testing.T) {
	t.Parallel()
	const events, page = 60, 4096
	whole := long(t, events)
	s, err := OpenReadOnly(ctx, whole)
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.Load(ctx, "r1")
	if err := errors.Join(err, s.Close()); err != nil || len(want) != events {
		t.Fatalf("%d events, %v", len(want), err)
	}
	b, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	var faults, read, salvaged, lies, lost int
	damages := map[string]func(b []byte, at int) []byte{
		"scribbled": func(b []byte, at int) []byte { return fill(b, at, at+page, 0xff) },
		"zeroed":    func(b []byte, at int) []byte { return fill(b, at, at+page, 0) },
		"torn":      func(b []byte, at int) []byte { return fill(b, at+512, at+page, 0) },
		"cut off":   func(b []byte, at int) []byte { return b[:at] },
	}
	step := max(1, 4/tally.Size(t, 1))
	for name, damage := range damages {
		for at := 0; at < len(b); at += page * step {
			faults++
			create(t, whole, string(damage(slices.Clone(b), at)), 0o600)
			where := fmt.Sprintf("page %d %s", at/page+1, name)
			s, err := OpenReadOnly(ctx, whole)
			if err != nil {
				if text.HintOf(err) == "" {
					t.Errorf("%s: no hint in %v", where, err)
				}
				continue // nothing is shown
			}
			recs, err := s.Load(ctx, "r1")
			read += len(recs)
			if !slices.Equal(seqHash(recs), seqHash(want[:len(recs)])) || err == nil && len(recs) != events {
				lies++
				t.Errorf("%s: %d events that weren't written so, or no error: %v", where, len(recs), err)
			}
			more, gaps, err := s.Salvage(ctx, "r1")
			salvaged += len(more)
			missing := 0
			for _, g := range gaps {
				missing += int(g.To - g.From + 1)
			}
			switch {
			case err != nil:
			case !subset(more, want):
				lies++
				t.Errorf("%s: salvaged what wasn't written", where)
			case len(more)+missing != events:
				lost++
				t.Errorf("%s: %d events and gaps %v", where, len(more), gaps)
			}
			s.Close()
		}
	}
	if read == 0 || salvaged <= read {
		t.Errorf("%d events read, %d salvaged: nothing was gained", read, salvaged)
	}
	t.Logf("%d faults: %d events read, %d salvaged", faults, read, salvaged)
	tally.Add(t, tally.Faults, faults)
	tally.Add(t, tally.Lies, lies)
	tally.Add(t, tally.LostEvents, lost)
}

func fill(b []byte, from, to int, with byte) []byte {
	for i := from; i < min(to, len(b)); i++ {
		b[i] = with
	}
	return b
}

func seqHash(recs []run.Record) []string {
	var all []string
	for _, r := range recs {
		all = append(all, fmt.Sprintf("%d %x", r.Seq, r.Hash))
	}
	return all
}

func subset(some, all []run.Record) bool {
	whole := seqHash(all)
	for _, r := range seqHash(some) {
		if !slices.Contains(whole, r) {
			return false
		}
	}
	return true
}

func TestSalvage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		spoil []string
		want  int
		gaps  string
	}{
		{"whole", nil, 7, ""},
		{"one changed", []string{unguard, `UPDATE event SET actor='x' WHERE run_seq=4`}, 6, "event 4: it was changed after it was written: its hash differs"},
		{"two missing", []string{unguard, `DELETE FROM event WHERE run_seq IN (3, 4)`}, 5, "events 3 to 4: the journal doesn't have it"},
		{"end missing", []string{unguard, `DELETE FROM event WHERE run_seq>5`}, 5, "events 6 to 7: the journal doesn't have it"},
		{"scrubbed", []string{`UPDATE event SET payload=NULL WHERE run_seq=5`}, 6, "event 5: event 5 of run \"r1\" was scrubbed"},
		{"all missing", []string{unguard, `DELETE FROM event`}, 0, "events 1 to 7: the journal doesn't have it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := lived(t)
			raw(t, path, tt.spoil...)
			s := openAt(t, path)
			recs, gaps, err := s.Salvage(ctx, "r1")
			var all []string
			for _, g := range gaps {
				all = append(all, g.String())
			}
			if err != nil || len(recs) != tt.want || !strings.HasPrefix(strings.Join(all, "\n"), tt.gaps) || tt.gaps == "" && gaps != nil {
				t.Errorf("%d events, %q, %v", len(recs), all, err)
			}
		})
	}
	s := openAt(t, lived(t))
	if _, _, err := s.Salvage(ctx, "r2"); !errors.As(err, new(*NotFoundError)) {
		t.Errorf("no such run: %v", err)
	}
}

// A journal whose log was deleted is read up to there, says so, and isn't driven.
func TestLogIsGone(t *testing.T) {
	t.Parallel()
	path := lived(t)
	c := spawn(t, "append", path) // its events are in the log only
	for range 4 {
		c.line(t)
	}
	c.kill()
	remove(t, path+"-wal")
	s := openAt(t, path)
	recs, err := s.Load(ctx, "r1")
	var b *BrokenError
	if !errors.As(err, &b) || b.Seq != 8 || len(recs) != 7 || !strings.Contains(err.Error(), "its -wal file was lost") {
		t.Errorf("%d events, %v", len(recs), err)
	}
	if _, err := s.TakeLease(ctx, "r1", "li"); !errors.As(err, &b) {
		t.Errorf("it is driven: %v", err)
	}
}

// Who deletes or replaces one of the files of a journal that is open stops what
// writes there; nothing more is acknowledged.
func TestFilesThatAreMovedAway(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"", "-wal", "-shm"} {
		for name, spoil := range map[string]func(string) error{
			"gone": os.Remove,
			"replaced": func(p string) error {
				b, err := os.ReadFile(p)
				return errors.Join(err, os.WriteFile(p+"2", b, 0o600), os.Rename(p+"2", p))
			},
		} {
			t.Run(name+file, func(t *testing.T) {
				t.Parallel()
				path := newPath(t)
				c := spawn(t, "write", path, "r1", "li") // a process of its own: reading the files drops locks
				c.line(t)
				if err := spoil(path + file); err != nil {
					t.Fatal(err)
				}
				if _, err := fmt.Fprintln(c.in, "write"); err != nil {
					t.Fatal(err)
				}
				if rest := strings.Join(c.failed(t), "\n"); !strings.Contains(rest, "can't be written any more: its file ") || strings.Contains(rest, "wrote") {
					t.Errorf("got %s", rest)
				}
			})
		}
	}
}

// Neither an empty file nor none takes the place of a journal that had runs.
func TestLostJournalIsNotMadeAnew(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"none":      os.Remove,
		"empty":     func(p string) error { return os.Truncate(p, 0) },
		"no schema": func(p string) error { return errors.Join(os.Remove(p), blank(p)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := lived(t)
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			_, err := Open(ctx, path, Options{})
			if err == nil || !strings.Contains(err.Error(), `the journal is gone or empty, and it had runs (the last is "r1")`) {
				t.Fatalf("got %v", err)
			}
			dir := filepath.Dir(path)
			want := fmt.Sprintf("put %s/stepgate.db back, with its -wal file if there is one; to start anew without them: `mv %s/runs %s/runs.lost`", dir, dir, dir)
			if text.HintOf(err) != want {
				t.Errorf("hint is %q\nwant %q", text.HintOf(err), want)
			}
			if _, err := OpenReadOnly(ctx, path); err == nil || text.HintOf(err) != want {
				t.Errorf("to read it: %v", err)
			}
			if err := os.Rename(dir+"/runs", dir+"/runs.lost"); err != nil {
				t.Fatal(err)
			}
			started(t, openAt(t, path), "r2")
		})
	}
}

// blank makes a SQLite database without tables.
func blank(path string) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	db := openWriter(path)
	_, err := db.Exec("CREATE TABLE t(x); DROP TABLE t")
	return errors.Join(err, db.Close())
}
