package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepgate/runbook/run"
	"stepgate/tui/wording"
)

// The home screen has the runs of the journal, where each stands, and the runbooks of
// the directory before those that are shipped.
func TestShelf(t *testing.T) {
	atHome(t)
	if runs, err := (shelf{}).Runs(t.Context()); err != nil || len(runs) != 0 {
		t.Errorf("before the first run: %v, %v", runs, err)
	}
	write(t, "upgrade.md", "+++\ntitle = \"升级\"\nsummary = \"两步\"\n[params.city]\nprompt = \"城市\"\n[params.keep]\ndefault = \"3\"\n[groups.web]\nhelp = \"the servers\"\nmin = 0\n+++\n- [ ] Look {#look}\n\n  ```sh {.check}\n  true\n  ```\n- [ ] By hand {#hand}\n")
	write(t, "plain.md", "# Notes\n\n```sh\ntrue\n```\n")
	write(t, "prose.md", "# Prose\n\nNothing to do, though it names `sh`.\n")
	write(t, "broken.md", "+++\ntitel = 1\n+++\n")
	if err := os.Mkdir("dir.md", 0o700); err != nil {
		t.Fatal(err)
	}
	books, err := shelf{}.Books(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range books {
		names = append(names, b.Name)
	}
	if got, want := strings.Join(names, " "), "broken.md upgrade.md plain.md "+strings.Join(readable(), " "); got != want {
		t.Errorf("runbooks %q, want %q", got, want)
	}
	if b := books[0]; b.Problem == "" {
		t.Errorf("a runbook with errors can be begun: %+v", b)
	}
	if b := books[1]; b.Title != "升级" || b.Summary != "两步" || strings.Join(b.Needs, "; ") != "hosts: web, the servers; 城市" || b.Plain {
		t.Errorf("it is told as %+v", b)
	}
	if b := books[2]; !b.Plain || b.Problem != "" {
		t.Errorf("a plain document is told as %+v", b)
	}

	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	code := Main(t.Context(), []string{"run", "upgrade.md", "--auto", "-e", "city=上海"}, streams{in: null, out: null, err: null, console: &console{}})
	if code != exitWaiting {
		t.Fatalf("the run ended with %d", code)
	}
	runs, err := shelf{}.Runs(t.Context())
	if err != nil || len(runs) != 1 || runs[0].Title != "升级" || runs[0].Holder != "" || runs[0].Closed != "" {
		t.Fatalf("runs %+v, %v", runs, err)
	}
	s, err := shelf{}.Stand(t.Context(), runs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if s.Wait != run.WaitManual || wording.Waiting(s, now()) != "to be done by hand: 2 By hand" {
		t.Errorf("it stands at %q: %s", s.Wait, wording.Waiting(s, now()))
	}
	if _, err := (shelf{}).Stand(t.Context(), "nosuch"); err == nil {
		t.Error("a run that isn't there stands somewhere")
	}
	write(t, filepath.Join(filepath.Dir(journalPath()), "x"), "") // the directory is there
	if err := os.WriteFile(journalPath(), []byte("no journal at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (shelf{}).Runs(t.Context()); err == nil {
		t.Error("a journal that isn't one is read")
	}
}
