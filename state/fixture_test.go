package state

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"stepgate/checks"
	"stepgate/runbook/run"
)

var (
	seed   = flag.Int64("seed", 0, "seed of what is chosen at random; 0: a new one")
	update = flag.Bool("update", false, "write testdata anew")
)

const childEnv = "STATE_TEST_CHILD"

// TestMain runs the tests, or, started again by one of them, a part of it that
// needs a process of its own.
func TestMain(m *testing.M) {
	if mode := os.Getenv(childEnv); mode != "" {
		if err := children[mode](os.Args[1:]); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	goleak.VerifyTestMain(m)
}

var children = map[string]func([]string) error{
	"append": childAppend, "hold": childHold, "fill": childFill, "open": childOpen, "together": childTogether, "write": childWrite, "stuck": childStuck,
	"race": childRace,
}

var (
	ctx   = context.Background()
	noon  = time.Date(2026, 5, 4, 12, 0, 0, 123456789, time.UTC)
	cell  = run.Key{Step: "tablets[tablet-2]/stop", Target: "tablet-2"}
	books = []byte("# 升级 OpenMLDB\n")
)

// newRandom is seeded by -seed, which it logs.
func newRandom(t testing.TB) *rand.Rand {
	from := *seed
	if from == 0 {
		from = time.Now().UnixNano()
	}
	t.Logf("-seed=%d", from)
	return rand.New(rand.NewPCG(uint64(from), 1))
}

// newPath is a journal's path in a directory that doesn't exist yet.
func newPath(t testing.TB) string {
	return filepath.Join(t.TempDir(), "state", "stepgate.db")
}

func openAt(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func start(source string) run.RunStarted {
	sum := sha256.Sum256([]byte(source))
	return run.RunStarted{
		Title: "OpenMLDB 滚动升级", Runbook: "openmldb-upgrade", Source: source, Digest: "d1",
		Closure: hex.EncodeToString(sum[:]), Values: map[string]string{"cluster": "生产"},
	}
}

// started opens a journal with one run in it, under a lease.
func started(t testing.TB, s *Store, id string) run.Lease {
	t.Helper()
	l, err := begin(s, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func begin(s *Store, id string) (run.Lease, error) {
	l, err := s.TakeLease(ctx, id, "li@bastion")
	if err != nil {
		return nil, err
	}
	sha, err := s.PutBlob(ctx, books)
	if err != nil {
		return nil, err
	}
	_, err = s.Append(ctx, l, "li", noon, start(sha), run.LeaseTaken{Holder: "li@bastion"})
	return l, err
}

func mustAppend(t testing.TB, s *Store, l run.Lease, events ...run.Event) []run.Record {
	t.Helper()
	recs, err := s.Append(ctx, l, "li", noon.Add(time.Minute), events...)
	if err != nil {
		t.Fatal(err)
	}
	return recs
}

func intent(no int, attempt string) run.Intent {
	return run.Intent{
		Cell: cell, Role: run.RoleCommand, No: no, Attempt: attempt,
		Dispatch: run.Dispatch{Where: "tablet-2", Interpreter: "sh", Body: "bash bin/start.sh stop tablet\n"},
	}
}

func outcome(attempt string) run.Outcome {
	return run.Outcome{Cell: cell, Attempt: attempt, Verdict: checks.Pass}
}

// child is a process of its own that runs a part of a test and prints lines.
type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	errs  bytes.Buffer
}

func spawn(t testing.TB, mode string, args ...string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return spawnCmd(t, exec.Command(exe, args...), mode)
}

func spawnCmd(t testing.TB, cmd *exec.Cmd, mode string) *child {
	t.Helper()
	c := &child{cmd: cmd}
	cmd.Env = append(os.Environ(), childEnv+"="+mode)
	cmd.Stderr = &c.errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.in, c.lines = in, bufio.NewScanner(out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.kill() })
	return c
}

// line returns the child's next line; it fails the test at the end of them.
func (c *child) line(t testing.TB) string {
	t.Helper()
	if !c.lines.Scan() {
		err := c.cmd.Wait()
		t.Fatalf("child ended: %v\n%s", err, c.errs.String())
	}
	return c.lines.Text()
}

// rest returns the child's other lines, and waits for its end.
func (c *child) rest(t testing.TB) []string {
	t.Helper()
	var all []string
	for c.lines.Scan() {
		all = append(all, c.lines.Text())
	}
	if err := c.cmd.Wait(); err != nil {
		t.Fatalf("child: %v\n%s\n%s", err, strings.Join(all, "\n"), c.errs.String())
	}
	return all
}

// failed returns the child's other lines; it must end with an error.
func (c *child) failed(t testing.TB) []string {
	t.Helper()
	var all []string
	for c.lines.Scan() {
		all = append(all, c.lines.Text())
	}
	if err := c.cmd.Wait(); err == nil {
		t.Error("child ended well")
	}
	return all
}

// kill ends the child with SIGKILL and returns what it had printed.
func (c *child) kill() []string {
	if err := c.cmd.Process.Kill(); errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	var all []string
	for c.lines.Scan() {
		all = append(all, c.lines.Text())
	}
	_ = c.cmd.Wait() // "signal: killed" is what was wanted
	return all
}

// raw opens the database beside the store, as someone with sqlite3 would.
func raw(t testing.TB, path string, statements ...string) {
	t.Helper()
	db := openPlain(path)
	defer db.Close()
	for _, q := range statements {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}
