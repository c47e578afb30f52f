package run

import (
	"slices"
	"testing"

	"stepgate/checks"
)

// The journal of a version that knew no batches is gone on with: what is settled
// isn't entered again, and nothing runs twice.
func TestAJournalWithoutBatchesIsGoneOnWith(t *testing.T) {
	t.Parallel()
	w := walking(t, "")
	old := &world{p: w.p, now: t0}
	for _, e := range []Event{RunStarted{Title: "r", Digest: w.p.Digest}, LeaseTaken{Holder: "me"}} {
		if err := old.add(e); err != nil {
			t.Fatal(err)
		}
	}
	send := func(path string) {
		t.Helper()
		c := old.cell(t, path)
		if err := old.add(old.intent(c, RoleCommand)); err != nil {
			t.Fatal(err)
		}
		if err := old.add(Outcome{Cell: c.Key, Attempt: attemptOf(old.cell(t, path)), Verdict: checks.Pass}); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"w[a]/one", "w[a]/two", "w[b]/one"} {
		send(path)
	}
	old.follow(t)
	if got := old.r.Batches["w"]; len(got) != 1 || !slices.Equal(got[0], []string{"b"}) {
		t.Fatalf("batches %v", got)
	}
	old.asks(t, WaitGo, "w[b]/two")
}
