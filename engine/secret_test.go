package engine_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"stepgate/runbook"
	"stepgate/runbook/run"
)

const (
	given    = "tiger-Lily 77"
	captured = "token-0123456789"
)

// keeping makes a book know a secret parameter, and a check that captures one.
func keeping(rb *runbook.Runbook) {
	rb.Params = append(rb.Params, runbook.Param{Name: "pw", Type: runbook.TypeString, Secret: true, HasDef: true, Default: given})
	if s := stepOf(rb, "login"); s != nil {
		s.Before[0].Secret = true
	}
}

// onDisk fails when any byte of the journal, or anything shown, tells a secret.
func (w *world) onDisk(secret string) {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "state", "*"))
	if err != nil || len(files) == 0 {
		w.t.Fatalf("no journal: %v", err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.IsDir() {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
			if bytes.Contains(b, []byte(form)) {
				w.t.Errorf("%s holds %q", filepath.Base(f), form)
			}
		}
	}
}

func TestASecretIsInNoByteOfTheJournal(t *testing.T) {
	t.Parallel()
	book := front + step("see", sh(".check", `printf '%s' "$pw" | tee seen; echo; printf '%s' "$pw" | base64`), expect(`stdout contains "Lily"`)) +
		step("login", sh(".check", "n=0123456789; echo token-$n"), capture("token = lines[0]")) +
		step("use", sh(".check", `echo "$token" >used; echo "with $token"; test ! -e red`), expect(`stdout contains "nothing"`)) +
		step("leak", caution, sh("", "cat seen used")) + step("tick")
	w := newWorldOn(t, book, nil, keeping, func(rb *runbook.Runbook) { stepOf(rb, "use").Before[0].Poll.Until = 1 })
	d := w.start()
	d.at(run.WaitGo, "see")
	d.do(run.Go{})
	d.at(run.WaitGo, "login")
	d.do(run.Go{})
	d.at(run.WaitGo, "use")
	d.do(run.Go{})
	s := d.at(run.WaitFailure, "use")
	if w.read("seen") != given || w.read("used") != captured+"\n" {
		t.Errorf("the checks got %q and %q", w.read("seen"), w.read("used"))
	}
	if got := at1(s).Checks[run.Before].Checks[0].Stdout; got != "with ‹secret›\n" {
		t.Errorf("shown: %q", got)
	}
	d.do(run.Skip{Reason: "it is " + given})
	d.at(run.WaitGo, "leak")
	d.do(run.Go{})
	s = d.at(run.WaitGate, "leak")
	d.do(run.Answer{Gate: at1(s).Gate.Gate, Typed: at1(s).Gate.Phrase, Pre: "stepgate run --approve leak -e pw='" + given + "'"})
	s = d.at(run.WaitManual, "tick")
	c := s.Run.Cell(run.Key{Step: "leak", Target: "local"})
	out, _, _, err := d.e.Output(t.Context(), c.Latest().Intent.Attempt, 0, 0, 1000)
	if err != nil || string(out) != "‹secret›\n" && string(out) != "‹secret›‹secret›\n" {
		t.Errorf("output %q, %v", out, err)
	}
	if c.Latest().Outcome.Omitted != [2]int64{} {
		t.Errorf("omitted %v", c.Latest().Outcome.Omitted)
	}
	d.do(run.AddNote{Text: "the password is " + given})
	d.do(run.Pause{Why: "changing " + given})
	d.at(run.WaitPaused, "tick")
	d.do(run.Continue{})
	// A later driver takes the check again that has captured the token.
	d.leave("left")
	w.reopen()
	if err := os.Remove(filepath.Join(w.begin.Dir, "used")); err != nil {
		t.Fatal(err)
	}
	d = w.resume()
	d.at(run.WaitManual, "tick")
	d.do(run.MarkDone{Evidence: captured})
	d.closed()
	d.leave("closed")
	w.onDisk(given)
	w.onDisk(captured)
}

func TestOfASecretOutputLengthAndHMACAreKept(t *testing.T) {
	t.Parallel()
	book := front + step("login", sh(".check", "n=0123456789; echo token-$n"), expect(`len(lines) == 2`)) + step("tick")
	w := newWorldOn(t, book, nil, keeping)
	d := w.start()
	d.at(run.WaitGo, "login")
	var kept []string
	d.do(run.Go{})
	for range 2 {
		s := d.at(run.WaitFailure, "login")
		kept = append(kept, at1(s).Checks[run.Before].Checks[0].Stdout)
		d.do(run.Retry{})
	}
	d.at(run.WaitFailure, "login")
	if !regexp.MustCompile(`^‹secret output, 17 bytes, hmac [0-9a-f]{64}›\n$`).MatchString(kept[0]) || kept[0] != kept[1] {
		t.Errorf("kept %q", kept)
	}
	d.leave("left")
	w.reopen()
	d = w.resume()
	d.at(run.WaitFailure, "login")
	d.do(run.Retry{})
	if s := d.at(run.WaitFailure, "login"); at1(s).Checks[run.Before].Checks[0].Stdout == kept[0] {
		t.Error("another driver has the same key")
	}
	d.leave("left")
	w.onDisk(captured)
}

func TestASecretIsTakenAgainByTheNextDriver(t *testing.T) {
	t.Parallel()
	book := front + step("login", sh(".check", "echo login >>log; echo "+captured), capture("token = lines[0]")) +
		step("use", sh(".check", `echo "$token" >used`)) + step("tick")
	w := newWorldOn(t, book, nil, keeping)
	d := w.start()
	d.at(run.WaitGo, "login")
	d.do(run.Go{})
	d.at(run.WaitGo, "use")
	d.leave("left")
	w.reopen()
	d = w.resume()
	d.at(run.WaitGo, "use")
	d.do(run.Go{})
	d.at(run.WaitManual, "tick")
	if w.read("used") != captured+"\n" || w.read("log") != "login\nlogin\n" {
		t.Errorf("used %q, after %q", w.read("used"), w.read("log"))
	}
	if n := w.count("ChecksTaken"); n != 2 {
		t.Errorf("%d checks are journaled", n)
	}
	d.leave("left")
}

func TestACommandGetsSecretsAndLeavesNone(t *testing.T) {
	t.Parallel()
	book := front + step("use", sh("", `printf '%s' "$pw" >seen; echo "with $pw"; printf '%s' "$pw" | base64 >&2; env | grep -c tiger; exit 4`)) +
		step("undo", sh("", "false"), sh(".rollback", `echo "undo $pw"; printf '%s' "$pw" >undone`)) + step("tick")
	w := newWorldOn(t, book, nil, keeping)
	d := w.start()
	d.at(run.WaitGo, "use")
	d.do(run.Go{})
	s := d.at(run.WaitFailure, "use")
	if w.read("seen") != given {
		t.Errorf("the command got %q", w.read("seen"))
	}
	id := at1(s).Latest().Intent.Attempt
	for stream, want := range []string{"with ‹secret›\n1\n", "‹secret›\n"} {
		out, _, _, err := d.e.Output(t.Context(), id, stream, 0, 1000)
		if err != nil || string(out) != want {
			t.Errorf("kept of stream %d: %q, %v", stream, out, err)
		}
	}
	if at1(s).Latest().Outcome.Omitted != [2]int64{} {
		t.Errorf("omitted %v", at1(s).Latest().Outcome.Omitted)
	}
	w.onHost(given)
	d.do(run.Skip{Reason: "seen"})
	d.at(run.WaitGo, "undo")
	d.do(run.Go{})
	d.at(run.WaitFailure, "undo")
	d.do(run.RollBack{})
	d.at(run.WaitFailure, "undo")
	if w.read("undone") != given {
		t.Errorf("the rollback got %q", w.read("undone"))
	}
	w.onHost(given)
	d.leave("left")
	w.onDisk(given)
}

// onHost fails when anything that the host keeps of the run tells a secret.
func (w *world) onHost(secret string) {
	w.t.Helper()
	kept := 0
	err := filepath.WalkDir(filepath.Join(w.dir, "attempts"), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		kept++
		b, err := os.ReadFile(path)
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
			if bytes.Contains(b, []byte(form)) {
				w.t.Errorf("%s holds %q", path, form)
			}
		}
		return err
	})
	if err != nil || kept == 0 {
		w.t.Errorf("the host keeps %d files: %v", kept, err)
	}
}
