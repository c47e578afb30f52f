package executor_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stepgate/cmd/torture/tally"
	"stepgate/executor"
	"stepgate/executor/executortest"
)

// victim is this machine with one shell as its sh.
type victim struct {
	*testing.T
	x    executor.Executor
	host executor.Host
	sh   string
	env  []string
	dir  string // where its commands leave what they did
}

// newVictim opens a machine whose home is home; ok is false, and said, when its shell
// isn't installed.
func newVictim(t *testing.T, shell, home string) (v *victim, ok bool) {
	t.Helper()
	sh, path := asSh(t, shell)
	if sh == "" {
		t.Logf("NOT TESTED: %s isn't installed", shell)
		return nil, false
	}
	v = &victim{T: t, sh: sh, dir: home}
	v.env = append([]string{"PATH=" + path, "HOME=" + home, "LANG=C.UTF-8", "dir=" + home}, executortest.LoginEnv...)
	v.x = executor.NewLocal(executor.LocalOptions{Dir: home, Shell: sh, Env: v.env})
	t.Cleanup(func() {
		if err := v.x.Close(); err != nil {
			t.Error(err)
		}
	})
	host, err := v.x.Identify(t.Context())
	if err != nil || host.Degraded != "" {
		t.Fatalf("Identify = %+v, %v", host, err)
	}
	v.host = host
	return v, true
}

// attempt is an attempt that notes its beginning and its end.
func (v *victim) attempt(between string) executor.Attempt {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	a := executor.Attempt{ID: hex.EncodeToString(id[:]), RunID: "torture", IntentHash: "ab", Host: v.host}
	a.Command = executor.Command{
		Interpreter: "sh", Env: []executor.Var{{Name: "id", Value: a.ID}},
		Body: `echo "$$" >>"$dir/began-$id"; ` + between + `echo >>"$dir/ended-$id"; exit 17`,
	}
	return a
}

// began counts how often an attempt's command has begun, and returns its last pid.
func (v *victim) began(a executor.Attempt) (times, pid int) {
	text, err := os.ReadFile(filepath.Join(v.dir, "began-"+a.ID))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		v.Error(err)
	}
	for line := range strings.Lines(string(text)) {
		times++
		pid, _ = strconv.Atoi(strings.TrimSpace(line))
	}
	return times, pid
}

func (v *victim) ended(a executor.Attempt) bool {
	_, err := os.Stat(filepath.Join(v.dir, "ended-"+a.ID))
	return err == nil
}

// runner is the pid of an attempt's runner; 0 when there is none.
func (v *victim) runner(a executor.Attempt) int {
	text, _ := os.ReadFile(filepath.Join(v.host.Dir, a.RunID, a.ID, "go", "runner"))
	pid, _, _ := strings.Cut(string(text), " ")
	n, _ := strconv.Atoi(pid)
	return n
}

// TestTortureT8PayloadsCutOff cuts what starts a command at many bytes: nothing is
// claimed, nothing runs. The whole of it then runs once.
func TestTortureT8PayloadsCutOff(t *testing.T) {
	for _, shell := range protocolShells {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			v, ok := newVictim(t, shell, memoryDir(t))
			if !ok {
				t.SkipNow()
			}
			a := v.attempt("")
			frame := executor.StartFrame(a)
			cuts := tally.Size(t, 40)
			for i := range cuts {
				at := i * len(frame) / cuts
				if cuts < len(frame) {
					at += mrand.IntN(len(frame) / cuts)
				}
				cmd := exec.Command(v.sh, "-c", executor.Bootstrap)
				cmd.Env, cmd.Dir, cmd.Stdin = v.env, v.dir, bytes.NewReader(frame[:min(at, len(frame)-1)])
				var exit *exec.ExitError
				if out, err := cmd.CombinedOutput(); !errors.As(err, &exit) || exit.ExitCode() != 76 || len(out) > 0 {
					t.Errorf("cut at %d of %d: %v, %q", at, len(frame), err, out)
				}
			}
			if left, err := os.ReadDir(filepath.Join(v.host.Dir, a.RunID)); err == nil {
				t.Errorf("what was cut off left %v", left)
			}
			if claim, err := v.x.Start(t.Context(), a); claim != executor.Started || err != nil {
				t.Fatalf("Start = %d, %v", claim, err)
			}
			if res, err := v.x.Follow(t.Context(), a, executor.Offsets{}, nil); err != nil || res.Exit != 17 {
				t.Errorf("Follow = %+v, %v", res, err)
			}
			times, _ := v.began(a)
			tally.Add(t, tally.Cuts, cuts)
			tally.Add(t, tally.Runs, times)
			tally.Add(t, tally.Duplicates, times-1)
		})
	}
}

// TestTortureT8LaunchersRace starts one attempt from many processes under all shells
// at once: one of them runs it.
func TestTortureT8LaunchersRace(t *testing.T) {
	home := memoryDir(t)
	var shells []*victim
	for _, shell := range protocolShells {
		if v, ok := newVictim(t, shell, home); ok {
			shells = append(shells, v)
		}
	}
	launches, twice := tally.Size(t, 100), 0
	for left := launches; left > 0; left -= 500 {
		racers := min(left, 500)
		a := shells[0].attempt("")
		claims, errs := make([]executor.Claim, racers), make([]error, racers)
		var all sync.WaitGroup
		for i := range racers {
			all.Go(func() { claims[i], errs[i] = shells[i%len(shells)].x.Start(t.Context(), a) })
		}
		all.Wait()
		started := 0
		for i, claim := range claims {
			switch {
			case claim == executor.Started && errs[i] == nil:
				started++
			case claim != executor.Attached || errs[i] != nil:
				t.Errorf("Start = %d, %v", claim, errs[i])
			}
		}
		if res, err := shells[0].x.Follow(t.Context(), a, executor.Offsets{}, nil); err != nil || res.Exit != 17 {
			t.Errorf("Follow = %+v, %v", res, err)
		}
		times, _ := shells[0].began(a)
		if started != 1 || times != 1 {
			t.Errorf("of %d launches %d were told that they started it; it ran %d times", racers, started, times)
		}
		twice += max(times-1, 0)
	}
	tally.Add(t, tally.Faults, launches)
	tally.Add(t, tally.Runs, (launches+499)/500)
	tally.Add(t, tally.Duplicates, twice)
}

// TestTortureT8ProbesTellTheTruth kills runners and commands, and fences, at random
// moments, and compares what the host says with what the command did.
func TestTortureT8ProbesTellTheTruth(t *testing.T) {
	for _, shell := range protocolShells {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			v, ok := newVictim(t, shell, memoryDir(t))
			if !ok {
				t.SkipNow()
			}
			rounds := tally.Size(t, 12)
			kills, lies, duplicates := 0, 0, 0
			fates := map[executor.Fate]int{}
			for range rounds {
				a := v.attempt(fmt.Sprintf("sleep 0.%02d; ", mrand.IntN(30)))
				kills += v.hurt(a)
				fate, lie := v.judge(a)
				fates[fate]++
				if lie != "" {
					lies++
					t.Errorf("%s: %s", fate, lie)
				}
				if times, _ := v.began(a); times > 1 {
					duplicates++
				}
			}
			t.Logf("%v", fates)
			tally.Add(t, tally.Runs, rounds)
			tally.Add(t, tally.Kills, kills)
			tally.Add(t, tally.Lies, lies)
			tally.Add(t, tally.Duplicates, duplicates)
		})
	}
}

// hurt starts an attempt while something happens to it, and returns how many
// processes it killed.
func (v *victim) hurt(a executor.Attempt) (kills int) {
	var both sync.WaitGroup
	both.Go(func() { _, _ = v.x.Start(v.Context(), a) }) // what becomes of it is judged later
	both.Go(func() {
		time.Sleep(time.Duration(mrand.IntN(120)) * time.Millisecond)
		what := mrand.IntN(6)
		if what == 0 { // nothing
			return
		}
		if what == 1 {
			if _, err := v.x.Probe(v.Context(), a, true); err != nil {
				v.Errorf("Probe: %v", err)
			}
			return
		}
		runner := v.runner(a)
		_, command := v.began(a)
		for _, pid := range map[int][]int{2: {runner}, 3: {command}, 4: {runner, command}, 5: {command, runner}}[what] {
			if pid > 1 && syscall.Kill(pid, syscall.SIGKILL) == nil {
				kills++
			}
		}
	})
	both.Wait()
	return kills
}

// judge asks until nothing of the attempt runs, and says which answer wasn't true.
func (v *victim) judge(a executor.Attempt) (fate executor.Fate, lie string) {
	for end := time.Now().Add(30 * time.Second); ; {
		times, pid := v.began(a)
		busy := pid > 1 && running(pid)
		rep, err := v.x.Probe(v.Context(), a, true)
		if err != nil {
			return 0, fmt.Sprintf("Probe: %v", err)
		}
		if fate != 0 && (fate == executor.NeverStarted || fate == executor.Finished || fate == executor.Died) && rep.Fate != fate {
			return rep.Fate, "before it was " + fate.String()
		}
		settled := rep.Fate == fate
		fate = rep.Fate
		still := pid > 1 && running(pid)
		switch fate {
		case executor.NeverStarted:
			if times > 0 {
				return fate, "its command has begun"
			}
		case executor.Finished:
			if ended := v.ended(a); rep.Result.Exit != 137 && (rep.Result.Exit != 17 || !ended) {
				return fate, fmt.Sprintf("with exit code %d; its command came to its end: %v", rep.Result.Exit, ended)
			}
		case executor.Died:
			if busy && still {
				return fate, "its command runs"
			}
		case executor.Running, executor.Orphan:
			if time.Now().After(end) {
				return fate, "for too long"
			}
			continue
		case executor.Rebooted, executor.Foreign:
			return fate, "the host is the same"
		}
		if settled {
			return fate, ""
		}
	}
}

// running tells whether a process is there and no zombie.
func running(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	_, state, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

// weight counts output, checks it, and keeps the most that the heap has held meanwhile.
type weight struct {
	from, bytes int64
	wrong       int64 // the first offset with another byte than was written
	calls       int
	heap        uint64
}

// pattern is what is written: its byte at an offset tells the offset.
const pattern = "0123456789abcdefghijklmnopqrstu\n"

// Output implements [executor.Sink].
func (w *weight) Output(_ executor.Stream, offset int64, p []byte) {
	if w.wrong == 0 && (offset != w.from+w.bytes || p[0] != pattern[offset%int64(len(pattern))] ||
		p[len(p)-1] != pattern[(offset+int64(len(p))-1)%int64(len(pattern))]) {
		w.wrong = offset + 1
	}
	w.bytes += int64(len(p))
	if w.calls++; w.calls%256 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.heap = max(w.heap, m.HeapInuse)
	}
}

// TestTortureHugeOutput follows a command that prints without end: all of it comes, it
// is whole on the host, and little of it is held here.
func TestTortureHugeOutput(t *testing.T) {
	size := int64(tally.Size(t, 64)) << 20
	for name, boot := range map[string]executortest.BootMachine{
		"local": localMachine("sh", os.Getenv("PATH")), "ssh": sshMachine("/bin/sh"),
	} {
		x := boot(t).Open(t)
		host, err := x.Identify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		a := executor.Attempt{
			ID: strings.Repeat("0f", 16), RunID: "huge", IntentHash: "ab", Host: host,
			Command: executor.Command{Interpreter: "sh", Body: fmt.Sprintf("yes %s | head -c %d", strings.TrimSpace(pattern), size)},
		}
		if claim, err := x.Start(t.Context(), a); claim != executor.Started || err != nil {
			t.Fatalf("Start = %d, %v", claim, err)
		}
		for _, from := range []int64{0, size/2 + 7, size} {
			runtime.GC()
			var before runtime.MemStats
			runtime.ReadMemStats(&before)
			w := &weight{from: from}
			res, err := x.Follow(t.Context(), a, executor.Offsets{from, 0}, w)
			if err != nil || res.Exit != 0 || res.Bytes[0] != size || w.bytes != size-from || w.wrong != 0 {
				t.Errorf("%s: Follow from %d = %+v, %v, with %d bytes, first wrong at %d", name, from, res, err, w.bytes, w.wrong-1)
			}
			if grown := int64(w.heap) - int64(before.HeapInuse); grown > 24<<20 {
				t.Errorf("%s: the heap grew by %d MiB for %d MiB", name, grown>>20, size>>20)
			}
		}
		tally.Add(t, tally.Runs, 1)
	}
}
