package state

import (
	"bytes"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

func TestRuns(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := openAt(t, path)
	if infos, err := s.Runs(ctx); err != nil || len(infos) != 0 {
		t.Errorf("new journal: %v, %v", infos, err)
	}
	l, err := begin(s, "b1")
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, l, run.RunClosed{How: run.DoneExceptions})
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	c := spawn(t, "hold", path, "c1", "wang@bastion")
	c.line(t) // a lease of a run without events
	started(t, s, "a1")
	if _, err := s.AppendGuest(ctx, "b1", "wang", noon.Add(time.Hour), run.Exported{Format: "md"}); err != nil {
		t.Fatal(err)
	}
	infos, err := s.Runs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	title, book := "OpenMLDB 滚动升级", "openmldb-upgrade"
	want := []Info{
		{ID: "a1", Title: title, Runbook: book, Started: noon, Last: noon, LastKind: "LeaseTaken", Events: 2, Holder: "li@bastion"},
		{ID: "b1", Title: title, Runbook: book, Started: noon, Last: noon.Add(time.Hour), LastKind: "Exported", Closed: run.DoneExceptions, Events: 4},
	}
	if !reflect.DeepEqual(infos, want) {
		t.Errorf("got  %+v\nwant %+v", infos, want)
	}
	raw(t, path, unguard, `UPDATE event SET payload=x'00' WHERE run_id='b1' AND run_seq=1`)
	infos, err = s.Runs(ctx)
	if err != nil || len(infos) != 2 || infos[1].Problem == "" || infos[0].Title != title {
		t.Errorf("one bad run hides the others: %+v, %v", infos, err)
	}
}

func TestHolderThatDiedIsNone(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := openAt(t, path)
	c := spawn(t, "append", path)
	c.line(t)
	infos, err := s.Runs(ctx)
	if err != nil || len(infos) != 1 || infos[0].Holder != "child" {
		t.Errorf("got %+v, %v", infos, err)
	}
	c.kill()
	infos, err = s.Runs(ctx)
	if err != nil || len(infos) != 1 || infos[0].Holder != "" {
		t.Errorf("after its end: %+v, %v", infos, err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	s := openAt(t, newPath(t))
	var missing *NotFoundError
	if _, err := s.Find(ctx, "last"); !errors.As(err, &missing) || text.HintOf(err) == "" {
		t.Errorf("last of none: %v", err)
	}
	for _, id := range []string{"7k2mabcd", "7k2mabce", "7k2m", "9zzz", "8aaa"} {
		started(t, s, id)
	}
	for ref, want := range map[string]string{
		"last": "8aaa", "9": "9zzz", "9ZZ": "9zzz", "7k2m": "7k2m", "7k2mabcd": "7k2mabcd",
	} {
		if got, err := s.Find(ctx, ref); got != want || err != nil {
			t.Errorf("%s: got %q, %v", ref, got, err)
		}
	}
	for _, ref := range []string{"", "x", "7k2mabcdx", "%", "_", "\x00", "运行"} {
		if got, err := s.Find(ctx, ref); !errors.As(err, &missing) || missing.Ref != ref {
			t.Errorf("%q: got %q, %v", ref, got, err)
		}
	}
	var many *AmbiguousError
	if _, err := s.Find(ctx, "7k2ma"); !errors.As(err, &many) || !slices.Equal(many.Candidates, []string{"7k2mabce", "7k2mabcd"}) {
		t.Errorf("got %v", err)
	}
}

func TestRunIDs(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{10}$`)
	var last string
	at := time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC)
	for range 2000 {
		low, high := NewRunID(at, bytes.NewReader([]byte{0, 0})), NewRunID(at, bytes.NewReader([]byte{255, 255}))
		if !form.MatchString(low) || !form.MatchString(high) || !runIDForm.MatchString(low) || low >= high {
			t.Fatalf("%s: %q, %q", at, low, high)
		}
		if at.Unix() >= 0 && low <= last {
			t.Fatalf("%s: %q isn't after %q", at, low, last)
		}
		last, at = high, at.Add(100*24*time.Hour+time.Second)
	}
	if got := NewRunID(noon, bytes.NewReader([]byte{0, 3})); got != "1mzh2j0001" {
		t.Errorf("got %q", got) // ids are names; their form doesn't change
	}
}
