package executor

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// entries are the paths below dir.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		out = append(out, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// startFrame is a whole payload that starts a command which writes a file.
func startFrame(t *testing.T, x *shell, dir string) (Attempt, []byte) {
	t.Helper()
	host, err := x.Identify(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	a := Attempt{
		ID: strings.Repeat("0a", 16), RunID: "cut", IntentHash: "ab", Host: host,
		Command: Command{Interpreter: "sh", Body: `echo ran >>"$ledger"`, Env: []Var{{"ledger", filepath.Join(dir, "ledger")}}},
	}
	p := newProgram()
	p.set("sg_hostkey", "")
	p.setAttempt(a)
	p.setCommand(a.Command)
	return a, p.frame("frame", "process", "identity", "attempt", "command", "claim", "start")
}

// TestCutPayloads sends prefixes of a payload: nothing may be claimed or run.
func TestCutPayloads(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"dash", "bash", "busybox", "mksh", "ksh93", "zsh"} {
		program, err := exec.LookPath(name)
		if err != nil {
			t.Logf("NOT TESTED: %s isn't installed", name)
			continue
		}
		dir, bin := t.TempDir(), t.TempDir()
		sh := filepath.Join(bin, "sh")
		if err := os.Symlink(program, sh); err != nil {
			t.Fatal(err)
		}
		env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "STEPGATE_DIR=" + filepath.Join(dir, "attempts")}
		x := newShell(&localTransport{options: LocalOptions{Shell: sh, Env: env}}, nil)
		a, frame := startFrame(t, x, dir)
		before := entries(t, dir)
		cuts := []int{0, 1, 4, 40}
		for i := len(frame) - 40; i < len(frame); i += 3 {
			cuts = append(cuts, i)
		}
		for i := 64; i < len(frame)-40; i += len(frame) / 24 {
			cuts = append(cuts, i)
		}
		for _, cut := range append(cuts, len(frame)-1) {
			exit, err := x.t.run(context.Background(), call{frame: frame[:cut]})
			if err != nil || exit != exitTruncated {
				t.Errorf("%s: cut at %d of %d: exit %d, %v", name, cut, len(frame), exit, err)
			}
		}
		if after := entries(t, dir); len(after) != len(before) {
			t.Errorf("%s: cut payloads left %q", name, after)
		}
		// One byte changed on the way, where there is a checksum to tell.
		flipped := bytes.Replace(frame, []byte("echo ran"), []byte("echo tan"), 1)
		var out limitedBuffer
		if _, err := x.t.run(context.Background(), call{frame: flipped, stdout: &out}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "another checksum") {
			t.Errorf("%s: a changed payload was answered with %q", name, out.String())
		}
		if after := entries(t, dir); len(after) != len(before) {
			t.Errorf("%s: a changed payload left %q", name, after)
		}
		// The same bytes, whole, do what they say: the cuts weren't refused for
		// another reason.
		if exit, err := x.t.run(context.Background(), call{frame: frame, detaches: true}); err != nil || exit != 0 {
			t.Fatalf("%s: the whole payload: exit %d, %v", name, exit, err)
		}
		if res, err := x.Follow(context.Background(), a, Offsets{}, nil); err != nil || res.Exit != 0 {
			t.Errorf("%s: the whole payload: %+v, %v", name, res, err)
		}
	}
}

// TestProcessesFromPS runs the probe's scripts as on a system without /proc.
func TestProcessesFromPS(t *testing.T) {
	t.Parallel()
	const script = `
sg_proc=
tail -f /dev/null &
child=$!
sg_self; [ "$sg_me" = "$$" ] || echo "self is $sg_me, not $$"
sg_stat "$$" || echo "no stat of itself"
group=$sg_pgrp began=$sg_start
[ -n "$began" ] || echo "no start time"
[ "$sg_ppid" = "$PPID" ] || echo "parent is $sg_ppid, not $PPID"
sg_lives "$$" "$began" || echo "not alive"
sg_lives "$$" "other" && echo "alive with another start time"
sg_members "$group"
case " "$(echo $sg_alive)" " in *" $child "*) ;; *) echo "members $sg_alive lack $child" ;; esac
tries=0
until case $(sg_argv "$child") in *"tail -f /dev/null"*) ;; *) false ;; esac do
	tries=$((tries + 1))
	[ $tries -lt 50 ] || { echo "argv is $(sg_argv "$child")"; break; }
done
kill -9 $child; wait $child 2>/dev/null
sg_lives "$child" "$began" && echo "a dead child is alive"
sg_members "$group"
case " "$(echo $sg_alive)" " in *" $child "*) echo "members $sg_alive have a dead $child" ;; esac
exit 0
`
	for _, name := range []string{"dash", "bash", "mksh", "ksh93"} {
		program, err := exec.LookPath(name)
		if err != nil {
			t.Logf("NOT TESTED: %s isn't installed", name)
			continue
		}
		x := newShell(&localTransport{options: LocalOptions{Shell: program}}, nil)
		p := newProgram()
		frame := p.frame("frame", "process")
		// The end mark moves behind the script, as if it were one of ours.
		header, payload, _ := strings.Cut(string(frame), "\n")
		payload = strings.TrimSuffix(payload, "#"+p.nonce) + script + "#" + p.nonce
		var out, errs limitedBuffer
		exit, err := x.t.run(context.Background(), call{frame: []byte(header + "\n" + payload), stdout: &out, stderr: &errs})
		if err != nil || exit != 0 || strings.TrimSpace(out.String()) != "" {
			t.Errorf("%s: exit %d, %v\n%s%s", name, exit, err, out.String(), errs.String())
		}
	}
}

func TestParseReply(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, out, key, want, wrong string
	}{
		{"plain", "N a b c\nN end\n", "a", "b c", ""},
		{"noise around", "motd\nN x\nX a no\nN a yes\nlast N a no\nN end\n", "a", "yes", ""},
		{"no end", "N a b\n", "", "", "incomplete"},
		{"end cut off", "N a b\nN end", "", "", "incomplete"},
		{"nothing", "", "", "", "incomplete"},
		{"error", "N error disk full\nN end\n", "", "", "disk full"},
		{"another nonce", "M a b\nM end\n", "", "", "incomplete"},
	} {
		r, err := parseReply("N", []byte(c.out))
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s: %v, want an error with %q", c.name, err, c.wrong)
			}
			continue
		}
		if err != nil || r.get(c.key) != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, r.get(c.key), err, c.want)
		}
	}
}

func TestParseReport(t *testing.T) {
	t.Parallel()
	for _, r := range []reply{
		{"fate": {"glorious"}, "bytes": {"1 2"}},
		{"fate": {"running"}, "bytes": {"1"}},
		{"fate": {"running"}, "bytes": {"1 -2"}},
		{"fate": {"finished"}, "bytes": {"1 2"}},
		{"fate": {"finished"}, "bytes": {"1 2"}, "exit": {"zero 1"}},
	} {
		if rep, err := parseReport(r); err == nil {
			t.Errorf("parseReport(%v) = %+v", r, rep)
		}
	}
}

// collector is a sink in memory.
type collector [2][]byte

// Output implements Sink.
func (c *collector) Output(s Stream, _ int64, p []byte) { c[s] = append(c[s], p...) }

// TestLookOutputInPieces feeds a look's streams cut at every place.
func TestLookOutputInPieces(t *testing.T) {
	t.Parallel()
	const text = "noise N\nN begin 1 2 3 /tmp/x y\nout N put\nN exi no\n没有换行N exit 42\nleft behind"
	const want = "out N put\nN exi no\n没有换行"
	for cut := range len(text) {
		var c collector
		l := newLookOutput("N", &c)
		for _, piece := range []string{text[:cut], text[cut:]} {
			if _, err := (lookStream{l, Stdout}).Write([]byte(piece)); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.unfinished(0); err == nil {
			t.Fatal("a look with one stream open has ended")
		}
		for b := range []byte("N begin\nN exit 42\n") {
			if _, err := (lookStream{l, Stderr}).Write([]byte("N begin\nN exit 42\n")[b : b+1]); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.unfinished(42); err != nil {
			t.Fatal(err)
		}
		if got := string(c[Stdout]); got != want || len(c[Stderr]) > 0 || l.about != "1 2 3 /tmp/x y" {
			t.Fatalf("cut at %d: %q (%q), want %q", cut, got, l.about, want)
		}
		if r := l.result(); r.Exit != 42 || r.Bytes != (Offsets{int64(len(want)), 0}) {
			t.Fatalf("cut at %d: %+v", cut, r)
		}
	}
}

func TestLookOutputHasNoEnd(t *testing.T) {
	t.Parallel()
	l := newLookOutput("N", nil)
	endless := bytes.Repeat([]byte("motd "), 1<<16)
	var err error
	for range 8 {
		if _, err = (lookStream{l, Stdout}).Write(endless); err != nil {
			break
		}
	}
	if !errors.Is(err, errReplyTooBig) {
		t.Errorf("an endless banner was taken: %v", err)
	}
}
