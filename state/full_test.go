package state

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// childFill writes events until no file may grow any more, and prints those
// that were reported as written.
func childFill(args []string) error {
	s, err := Open(ctx, args[0], Options{})
	if err != nil {
		return err
	}
	l, err := begin(s, "r1")
	if err != nil {
		return err
	}
	signal.Ignore(unix.SIGXFSZ)
	const limit = 600_000 // bytes
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		return err
	}
	long := strings.Repeat("x", 20_000)
	for {
		recs, err := s.Append(ctx, l, "child", noon, run.Note{Text: long})
		var latched *LatchedError
		if errors.As(err, &latched) {
			fmt.Println("full", latched.Full())
			break
		}
		if err != nil {
			return err
		}
		fmt.Println("acked", recs[0].Seq)
	}
	// A small write would fit again.
	_, err = s.AppendGuest(ctx, "r1", "child", noon, run.Note{Text: "x"})
	fmt.Println("then", errors.As(err, new(*LatchedError)), text.HintOf(err) != "")
	return nil
}

func TestFileThatCannotGrow(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	lines := spawn(t, "fill", path).rest(t)
	n := len(lines)
	if n < 5 || lines[n-2] != "full true" || lines[n-1] != "then true true" {
		t.Fatal(lines)
	}
	recs, err := openAt(t, path).Load(ctx, "r1")
	if err != nil {
		t.Fatal(err)
	}
	if acked := n - 2; len(recs) != 2+acked {
		t.Errorf("%d events, and %d were acknowledged", len(recs), 2+acked)
	}
}

func TestFullDatabaseLatches(t *testing.T) {
	t.Parallel()
	s := openAt(t, newPath(t))
	l := started(t, s, "r1")
	mustAppend(t, s, l, intent(1, "a1"))
	if _, err := s.w.Exec("PRAGMA max_page_count=40"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Append(ctx, l, "li", noon, run.Note{Text: strings.Repeat("x", 500_000)})
	var latched *LatchedError
	if !errors.As(err, &latched) || !latched.Full() || !strings.Contains(text.HintOf(err), "make room") {
		t.Fatalf("got %v", err)
	}
	for name, f := range map[string]func() error{
		"intent": func() error { _, err := s.Append(ctx, l, "li", noon, intent(2, "a2")); return err },
		"both":   func() error { _, err := s.Append(ctx, l, "li", noon, outcome("a1"), intent(2, "a2")); return err },
		"blob":   func() error { _, err := s.PutBlob(ctx, []byte("x")); return err },
		"output": func() error { return s.AppendOutput(ctx, run.Chunk{Attempt: "a1", Data: []byte("x")}) },
		"lease":  func() error { _, err := s.TakeLease(ctx, "r2", "li"); return err },
	} {
		if err := f(); !errors.As(err, &latched) {
			t.Errorf("%s was written: %v", name, err)
		}
	}
	mustAppend(t, s, l, outcome("a1")) // what has happened is still taken
	if recs, err := s.Load(ctx, "r1"); err != nil || len(recs) != 4 {
		t.Errorf("%d events, %v", len(recs), err)
	}
}

func TestNoIntentOnANearlyFullDisk(t *testing.T) {
	t.Parallel()
	s, err := Open(ctx, newPath(t), Options{MinFree: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := s.TakeLease(ctx, "r1", "li")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	_, err = s.Append(ctx, l, "li", noon, start(""))
	var space *SpaceError
	if !errors.As(err, &space) || space.Path != s.dir || space.Free <= 0 || !strings.Contains(err.Error(), "1099511627776 MiB must be free") {
		t.Errorf("got %v", err)
	}
	s.opt.MinFree = 1
	mustAppend(t, s, l, start(""))
	s.opt.MinFree = 1 << 60
	mustAppend(t, s, l, run.Note{Text: "still written"})
}

func TestFileThatIsGoneLatches(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"its file is gone": os.Remove,
		"its file was replaced by another": func(path string) error {
			b, err := os.ReadFile(path)
			return errors.Join(err, os.Remove(path), os.WriteFile(path, b, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			s, err := Open(ctx, path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			l, err := begin(s, "r1")
			if err != nil {
				t.Fatal(err)
			}
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			_, err = s.Append(ctx, l, "li", noon, intent(1, "a1"))
			var latched *LatchedError
			if !errors.As(err, &latched) || !strings.Contains(err.Error(), name) || text.HintOf(err) == "" {
				t.Errorf("got %v", err)
			}
			if err := l.Release(); !errors.As(err, &latched) {
				t.Errorf("release: %v", err)
			}
		})
	}
}
