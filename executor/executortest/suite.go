package executortest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stepgate/executor"
)

// Machine is one host under test. Its files are this machine's, so that the suite
// sees what commands really did.
type Machine struct {
	// Open returns a new executor of the host. env is added to the login
	// environment and wins over what is there. The executor is closed by the
	// test's cleanup.
	Open func(t *testing.T, env ...string) executor.Executor
	// Cut breaks every open connection; nil when there is none to break.
	Cut func()
}

// BootMachine returns a new host with MachineID and BootID as in these variables.
// Its home is an empty directory.
type BootMachine func(t *testing.T) Machine

// LoginEnv is what the login environment of a machine under test must hold.
var LoginEnv = []string{"STEPGATE_MACHINE_ID=machine-1", "STEPGATE_BOOT_ID=boot-1"}

// patience bounds every wait. It's only reached when something is wrong.
const patience = 2 * time.Minute

// Suite is everything that an executor must do.
func Suite(t *testing.T, boot BootMachine) {
	t.Run("memory", func(t *testing.T) { testMemory(t, boot) }) // alone: it weighs the heap
	t.Run("group", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, BootMachine){
			"look tells its beginning":            testLookBegins,
			"look ends with its context":          testLookEnds,
			"dial":                                testDial,
			"connection cut under a dialed one":   testDialCut,
			"dial by a closed executor":           testDialClosed,
			"look ends one that ignores TERM":     testLookIgnoresTerm,
			"look doesn't wait for pipe holders":  testLookHolder,
			"login environment":                   testLoginEnvironment,
			"ignored signals":                     testSignals,
			"directory choice":                    testDirectoryChoice,
			"degraded host":                       testDegraded,
			"host that can't hold a look":         testNoLook,
			"follow detaches":                     testDetach,
			"follow streams":                      testStreams,
			"connection cut":                      testCut,
			"connection cut during a look":        testCutLook,
			"closed executor":                     testClosed,
			"racing starts":                       func(t *testing.T, boot BootMachine) { testRacingStarts(t, boot, 50) },
			"racing probes":                       testRacingProbes,
			"signal that is ignored":              testTermIgnored,
			"signal to an orphan":                 testSignalOrphan,
			"discard while it runs":               testDiscardRunning,
			"ids that can't name anything":        testBadIDs,
			"commands that can't be handed over":  testBadCommands,
			"attempt on a host identified anew":   testStartElsewhere,
			"follow of what can't end any longer": testFollowFates,
			"home of two machines":                testSharedHome,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, boot)
			})
		}
	})
	Protocol(t, boot)
}

// Protocol is the part of the suite that depends on the shell and tools of a host.
func Protocol(t *testing.T, boot BootMachine) {
	t.Run("protocol", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, BootMachine){
			"identify":            testIdentify,
			"exit codes":          testExitCodes,
			"bytes":               testBytes,
			"body":                testBody,
			"directory":           testDirectory,
			"daemon":              testDaemon,
			"offsets":             testOffsets,
			"fates":               testFates,
			"rebooted":            testRebooted,
			"died":                testDied,
			"orphan":              testOrphan,
			"fence":               testFence,
			"twice":               testTwice,
			"racing starts":       func(t *testing.T, boot BootMachine) { testRacingStarts(t, boot, 12) },
			"discard":             testDiscard,
			"signal":              testSignal,
			"kill":                testKill,
			"kept":                testKept,
			"record gone":         testRecordGone,
			"all gone":            testDirectoryGone,
			"running record gone": testRunningRecordGone,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, boot)
			})
		}
	})
}

// LoginShell is the part of the suite that a user's login shell could spoil.
func LoginShell(t *testing.T, boot BootMachine) {
	t.Run("identify", func(t *testing.T) { testIdentify(t, boot) })
	t.Run("bytes", func(t *testing.T) { testBytes(t, boot) })
	t.Run("twice", func(t *testing.T) { testTwice(t, boot) })
	t.Run("daemon", func(t *testing.T) { testDaemon(t, boot) })
}

// Server is the part of the suite that an SSH server could spoil.
func Server(t *testing.T, boot BootMachine) {
	for name, test := range map[string]func(*testing.T, BootMachine){
		"identify":                           testIdentify,
		"dial":                               testDial,
		"connection cut under a dialed one":  testDialCut,
		"body":                               testBody,
		"twice":                              testTwice,
		"died":                               testDied,
		"kill":                               testKill,
		"daemon":                             testDaemon,
		"follow detaches":                    testDetach,
		"connection cut":                     testCut,
		"connection cut during a look":       testCutLook,
		"look tells its beginning":           testLookBegins,
		"look ends with its context":         testLookEnds,
		"look doesn't wait for pipe holders": testLookHolder,
	} {
		t.Run(name, func(t *testing.T) { test(t, boot) })
	}
}

// bench is a machine with an open executor, and a directory to meet its commands in.
type bench struct {
	*testing.T
	Machine
	x    executor.Executor
	host executor.Host
	dir  string
	ctx  context.Context
}

func newBench(t *testing.T, boot BootMachine) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	b := &bench{T: t, Machine: boot(t), ctx: ctx, dir: t.TempDir()}
	b.x = b.Open(t)
	host, err := b.x.Identify(ctx)
	if err != nil {
		t.Fatalf("Identify: %v", err)
	}
	if host.Degraded != "" {
		t.Fatalf("Identify: degraded: %s", host.Degraded)
	}
	b.host = host
	return b
}

// sh is a command in sh that knows the bench's directory as $meet.
func (b *bench) sh(body string) executor.Command {
	return executor.Command{Interpreter: "sh", Body: body, Env: []executor.Var{{Name: "meet", Value: b.dir}}}
}

// attempt is a new attempt of a command.
func (b *bench) attempt(c executor.Command) executor.Attempt {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return executor.Attempt{
		ID: hex.EncodeToString(id[:]), RunID: "7k2m", IntentHash: strings.Repeat("ab", 32), Host: b.host, Command: c,
	}
}

// start starts an attempt and wants it started.
func (b *bench) start(a executor.Attempt) {
	b.Helper()
	if claim, err := b.x.Start(b.ctx, a); claim != executor.Started || err != nil {
		b.Fatalf("Start = %d, %v, want Started", claim, err)
	}
	b.Cleanup(func() { b.awaitRunner(a) })
}

// awaitRunner waits for the runner of an attempt whose command has ended, or will be
// killed, so that nobody writes into a directory that is being removed. Start returns
// before its runner has written who it is: that is waited for too.
func (b *bench) awaitRunner(a executor.Attempt) {
	dir := filepath.Join(a.Host.Dir, a.RunID, a.ID)
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		pid, begun := runnerOf(dir)
		if begun && !alive(pid) {
			return
		}
		if time.Now().After(end) {
			b.Errorf("attempt %s is still running at the end of its test", a.ID)
			if begun {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			return
		}
	}
}

// runnerOf is the pid of the runner of the attempt in a directory, 0 when there never
// will be one: the directory is gone, or a probe has fenced it. It is not begun while
// the runner hasn't written its pid yet.
func runnerOf(dir string) (pid int, begun bool) {
	if _, err := os.Stat(dir); err != nil {
		return 0, true
	}
	if _, err := os.Stat(filepath.Join(dir, "go", "fenced")); err == nil {
		return 0, true
	}
	text, err := os.ReadFile(filepath.Join(dir, "go", "runner"))
	if err != nil {
		return 0, false
	}
	pid, err = strconv.Atoi(strings.Fields(string(text) + " -")[0])
	return pid, err == nil
}

// follow follows an attempt to its end.
func (b *bench) follow(a executor.Attempt) (executor.Result, *Recorder) {
	b.Helper()
	rec := NewRecorder(executor.Offsets{})
	res, err := b.x.Follow(b.ctx, a, executor.Offsets{}, rec)
	if err == nil {
		err = rec.Err()
	}
	if err != nil {
		b.Fatalf("Follow: %v", err)
	}
	return res, rec
}

// run starts and follows an attempt.
func (b *bench) run(c executor.Command) (executor.Result, *Recorder) {
	b.Helper()
	a := b.attempt(c)
	b.start(a)
	return b.follow(a)
}

func (b *bench) look(c executor.Command) (executor.Result, *Recorder) {
	b.Helper()
	rec := NewRecorder(executor.Offsets{})
	res, err := b.x.Look(b.ctx, c, rec)
	if err == nil {
		err = rec.Err()
	}
	if err != nil {
		b.Fatalf("Look: %v", err)
	}
	return res, rec
}

func (b *bench) probe(a executor.Attempt, fence bool) executor.Report {
	b.Helper()
	rep, err := b.x.Probe(b.ctx, a, fence)
	if err != nil {
		b.Fatalf("Probe: %v", err)
	}
	return rep
}

// wantFate probes without a fence.
func (b *bench) wantFate(a executor.Attempt, want executor.Fate) executor.Report {
	b.Helper()
	rep := b.probe(a, false)
	if rep.Fate != want {
		b.Fatalf("Probe = %s (%s), want %s", rep.Fate, rep.Detail, want)
	}
	return rep
}

// await polls for something that a process on the host will do.
func (b *bench) await(what string, ready func() bool) {
	b.Helper()
	for !ready() {
		select {
		case <-b.ctx.Done():
			b.Fatalf("waited for %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// file is a file in the directory where commands meet the test.
func (b *bench) file(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) awaitFile(name string) string {
	b.Helper()
	var text []byte
	b.await("file "+name, func() bool {
		data, err := os.ReadFile(b.file(name))
		text = data
		return err == nil && strings.HasSuffix(string(data), "\n")
	})
	return strings.TrimSpace(string(text))
}

func (b *bench) touch(name string) {
	b.Helper()
	if err := os.WriteFile(b.file(name), nil, 0o600); err != nil {
		b.Fatal(err)
	}
}

// awaitPID reads a pid that a command wrote.
func (b *bench) awaitPID(name string) int {
	b.Helper()
	pid, err := strconv.Atoi(b.awaitFile(name))
	if err != nil {
		b.Fatal(err)
	}
	return pid
}

// runner is the pid of an attempt's runner.
func (b *bench) runner(a executor.Attempt) int {
	b.Helper()
	var pid int
	b.await("the runner", func() bool {
		text, err := os.ReadFile(filepath.Join(a.Host.Dir, a.RunID, a.ID, "go", "runner"))
		if err != nil || !strings.HasSuffix(string(text), "\n") {
			return false
		}
		pid, err = strconv.Atoi(strings.Fields(string(text))[0])
		return err == nil
	})
	return pid
}

// alive tells whether a process is there and no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// kill ends a process that a test's command started.
func (b *bench) kill(pid int) {
	b.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		b.Fatal(err)
	}
	b.await("the end of a process", func() bool { return !alive(pid) })
}

// killLater ends a process that a test leaves behind.
func (b *bench) killLater(pid int) {
	b.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
}
