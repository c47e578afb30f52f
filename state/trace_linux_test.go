package state

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"stepgate/runbook/run"
)

func init() { children["traced"] = childTraced }

// call is a system call that succeeded, as strace writes it.
type call struct {
	name, args string
	ret        int
}

var (
	callForm   = regexp.MustCompile(`^(\d+) +(\w+)\((.*)\) += (-?\d+)`)
	beganForm  = regexp.MustCompile(`^(\d+) +(\w+\(.*?) *<unfinished \.\.\.>$`)
	resumeForm = regexp.MustCompile(`^(\d+) +<\.\.\. \w+ resumed>(.*)$`)
	quoted     = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	onFile     = regexp.MustCompile(`^\d+<([^>]*)>`)
)

// needStrace skips the test where nothing can be traced.
func needStrace(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("strace", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: strace makes system calls fail and writes them down: %v %s", err, out)
	}
}

// strace returns a command under strace, which fails the calls that inject says.
func strace(log, calls, inject string, program ...string) *exec.Cmd {
	args := []string{"-f", "-qq", "--seccomp-bpf", "-y", "-xx", "-s", "70000", "-o", log, "-e", "trace=" + calls, "-e", "signal=none"}
	if inject != "" {
		args = append(args, "-e", "inject="+inject)
	}
	return exec.Command("strace", append(append(args, "--"), program...)...)
}

// readTrace returns the calls in the order in which they ended.
func readTrace(t *testing.T, log string) (calls []call) {
	t.Helper()
	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	began := map[string]string{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if m := beganForm.FindStringSubmatch(line); m != nil {
			began[m[1]] = m[2]
			continue
		}
		if m := resumeForm.FindStringSubmatch(line); m != nil {
			line = m[1] + " " + began[m[1]] + m[2]
		}
		m := callForm.FindStringSubmatch(line)
		if m == nil {
			continue // the end of a process
		}
		ret, err := strconv.Atoi(m[4])
		if err != nil {
			t.Fatal(err)
		}
		if ret >= 0 {
			calls = append(calls, call{m[2], m[3], ret})
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return calls
}

// file is the path of the file descriptor that is the call's first argument.
func (c call) file() string {
	m := onFile.FindStringSubmatch(c.args)
	if m == nil {
		return ""
	}
	path, err := strconv.Unquote(`"` + m[1] + `"`)
	if err != nil {
		return ""
	}
	return path
}

// texts are the call's arguments that are strings.
func (c call) texts(t *testing.T) (all []string) {
	for _, m := range quoted.FindAllString(c.args, -1) {
		s, err := strconv.Unquote(m)
		if err != nil {
			t.Fatalf("%s: %v", m, err)
		}
		all = append(all, s)
	}
	return all
}

// number is the nth of the call's arguments behind its string.
func (c call) number(t *testing.T, n int) int64 {
	args := c.args[strings.LastIndexAny(c.args, `">`)+1:]
	f := strings.Split(strings.TrimPrefix(args, ", "), ", ")
	v, err := strconv.ParseInt(f[n], 10, 64)
	if err != nil {
		t.Fatalf("%s(%s): %v", c.name, c.args, err)
	}
	return v
}

// childTraced drives a run through all that a journal does with its files, and
// prints what was acknowledged. After a write that failed for good it tries the
// same once more, and ends.
func childTraced(args []string) error {
	w := traced{}
	for range 2 {
		s, err := Open(ctx, args[0], Options{KeepOutput: 2000, Ballast: 64 << 10})
		if err != nil {
			return err
		}
		if _, err := s.w.Exec("PRAGMA wal_autocheckpoint=25"); err != nil {
			return err
		}
		if err := w.drive(s); err != nil {
			return err
		}
		if err := s.Close(); err != nil || w.latched {
			return err
		}
	}
	return nil
}

type traced struct {
	s       *Store
	no      int
	latched bool
}

func (w *traced) drive(s *Store) error {
	w.s = s
	l, err := s.TakeLease(ctx, "r1", "child")
	if err != nil {
		return err
	}
	defer l.Release()
	if w.no == 0 {
		sha, err := s.PutBlob(ctx, books)
		if err != nil {
			return err
		}
		if err := w.append(l, start(sha)); err != nil {
			return err
		}
	}
	for range 6 {
		w.no++
		a := fmt.Sprintf("a%d", w.no)
		if w.attempt(l, a) == nil {
			continue
		}
		if !w.latched {
			return nil
		}
		w.no++
		_ = w.attempt(l, a+"-again") // prints what is acknowledged
		_ = w.append(l, outcome(a))
		return nil
	}
	return nil
}

func (w *traced) attempt(l run.Lease, a string) error {
	if err := w.append(l, intent(w.no, a)); err != nil {
		return err
	}
	out := run.Chunk{Attempt: a, At: noon, Data: []byte(strings.Repeat("line ", 100*w.no))}
	if err := w.s.AppendOutput(ctx, out); err != nil {
		return w.failed("output", err)
	}
	if err := w.append(l, outcome(a)); err != nil {
		return err
	}
	rec, err := w.s.AppendGuest(ctx, "r1", "guest", noon, run.Note{Text: a})
	if err != nil {
		return w.failed("Note", err)
	}
	fmt.Printf("acked Note %d %x\n", rec.Seq, rec.Hash)
	return nil
}

func (w *traced) append(l run.Lease, e run.Event) error {
	recs, err := w.s.Append(ctx, l, "child", noon, e)
	if err != nil {
		return w.failed(run.Kind(e), err)
	}
	fmt.Printf("acked %s %d %x\n", run.Kind(e), recs[0].Seq, recs[0].Hash)
	return nil
}

func (w *traced) failed(what string, err error) error {
	w.latched = w.latched || errors.As(err, new(*LatchedError))
	fmt.Println("failed", what, w.latched, err)
	return err
}
