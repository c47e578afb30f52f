package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook/run"
)

var crashSeed = flag.Uint64("crash-seed", 0, "seed of the moments of the kills; 0: a new one")

// crash is an unattended demo that is killed and resumed.
type crash struct {
	t      *testing.T
	rng    *rand.Rand
	state  string // XDG_STATE_HOME
	ledger string // survives the lab
	lab    string

	grants []string // flags that open the gates; of the demo by default
	under  []string // a command line that runs what follows it
	env    []string // of its processes, beside the test's own

	mu    sync.Mutex
	acked map[string]string // "RUN SEQ" → hash, as printed once durable
}

func newCrash(t *testing.T, rng *rand.Rand) *crash {
	return &crash{t: t, rng: rng, state: t.TempDir(), grants: []string{"--approve", "*"}, acked: map[string]string{}}
}

// child is a running Stepgate.
type child struct {
	cmd  *exec.Cmd
	out  chan string // lines of stdout
	err  *strings.Builder
	done chan struct{}
	code int
}

func (c *crash) start(args ...string) *child {
	c.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		c.t.Fatal(err)
	}
	line := slices.Concat(c.under, []string{program(c.t)}, args, []string{"--events-fd", "3"})
	ch := &child{cmd: exec.Command(line[0], line[1:]...), out: make(chan string, 10000), err: &strings.Builder{}, done: make(chan struct{})}
	ch.cmd.Env = append(append(os.Environ(), "XDG_STATE_HOME="+c.state), c.env...)
	ch.cmd.ExtraFiles = []*os.File{w}
	ch.cmd.Stderr = ch.err
	stdout, err := ch.cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := ch.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	w.Close()
	var readers sync.WaitGroup
	readers.Go(func() { c.collect(r) })
	readers.Go(func() {
		defer close(ch.out)
		for sc := bufio.NewScanner(stdout); sc.Scan(); {
			ch.out <- sc.Text()
		}
	})
	go func() {
		defer close(ch.done)
		readers.Wait()
		err := ch.cmd.Wait()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			c.t.Errorf("wait: %v", err)
		}
		ch.code = ch.cmd.ProcessState.ExitCode()
	}()
	return ch
}

// collect keeps what the program has acknowledged as durable.
func (c *crash) collect(r io.ReadCloser) {
	defer r.Close()
	for sc := bufio.NewScanner(r); sc.Scan(); {
		f := strings.Fields(sc.Text())
		if len(f) == 3 {
			c.mu.Lock()
			c.acked[f[0]+" "+f[1]] = f[2]
			c.mu.Unlock()
		}
	}
}

// kill ends the child at a random moment: half of the time soon after a
// command has begun. It reports whether the child was still there.
func (c *crash) kill(ch *child) bool {
	limit := time.Duration(c.rng.IntN(2500)) * time.Millisecond
	wanted := "\x00"
	if c.rng.IntN(2) == 0 {
		wanted, limit = " running ", time.Minute
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for waiting := true; waiting; {
		select {
		case line, ok := <-ch.out:
			if !ok {
				waiting = false
			} else if strings.Contains(line, wanted) {
				time.Sleep(time.Duration(c.rng.IntN(60)) * time.Millisecond)
				waiting = false
			}
		case <-timer.C:
			waiting = false
		}
	}
	select {
	case <-ch.done:
		return false
	default:
	}
	_ = ch.cmd.Process.Kill()
	for range ch.out {
	}
	<-ch.done
	return ch.code == -1
}

// ended waits for the child's own end.
func (c *crash) ended(ch *child) int {
	c.t.Helper()
	limit := time.After(4 * time.Minute)
	for out := ch.out; ; {
		select {
		case _, ok := <-out:
			if !ok {
				out = nil
			}
		case <-ch.done:
			return ch.code
		case <-limit:
			_ = ch.cmd.Process.Signal(syscall.SIGQUIT)
			c.t.Fatalf("stepgate did not end; stderr:\n%s", ch.err)
		}
	}
}

// begun returns once the run that a child has begun is journaled.
func (c *crash) begun(ch *child) {
	c.t.Helper()
	limit := time.After(time.Minute)
	for {
		c.mu.Lock()
		n := len(c.acked)
		c.mu.Unlock()
		if n > 0 {
			break
		}
		select {
		case <-ch.done:
			c.t.Fatalf("it ended with %d before it began:\n%s", ch.code, ch.err)
		case <-limit:
			c.t.Fatalf("it did not begin:\n%s", ch.err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// goOn is the command that resumes the run unattended, with its gates granted.
func (c *crash) goOn() []string { return append([]string{"resume", "--auto"}, c.grants...) }

// begin starts the demo and returns once its run is journaled.
func (c *crash) begin(speed string) *child {
	c.t.Helper()
	ch := c.start(append([]string{"demo", "--auto", "--speed", speed}, c.grants...)...)
	c.begun(ch)
	dirs, err := filepath.Glob(filepath.Join(c.state, "stepgate", "labs", "*", "ledger"))
	if err != nil {
		c.t.Fatal(err)
	}
	if len(dirs) == 0 { // nothing has been done yet: the file comes with the first act
		labs, _ := filepath.Glob(filepath.Join(c.state, "stepgate", "labs", "*"))
		if len(labs) != 1 {
			c.t.Fatalf("labs: %v", labs)
		}
		f, err := os.OpenFile(filepath.Join(labs[0], "ledger"), os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			c.t.Fatal(err)
		}
		f.Close()
		dirs = []string{filepath.Join(labs[0], "ledger")}
	}
	c.lab = filepath.Dir(dirs[0])
	keep := c.t.TempDir()
	c.ledger = filepath.Join(keep, "ledger")
	if err := os.Link(dirs[0], c.ledger); err != nil {
		c.t.Fatal(err)
	}
	return ch
}

func newSeed(t *testing.T) uint64 {
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	return seed
}

// killing is what several runs share that are killed beside each other until
// enough has been killed.
type killing struct {
	mu                sync.Mutex
	killed, hit, runs int // hit: while a claimed command ran
	kills, inCommand  int // wanted
}

// wants reports whether another kill is needed, and counts the one that was.
func (k *killing) wants(counted, hit bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if counted {
		k.killed++
	}
	if hit {
		k.hit++
	}
	return k.killed < k.kills || k.hit < k.inCommand && k.killed < 4*k.kills
}

// beside is how many runs are killed at a time: they mostly wait.
const beside = 3

// all has runs killed until there were enough kills, each of them resumed to its
// end, and reports the figures.
func (k *killing) all(t *testing.T, begin func(c *crash) *child, judge func(c *crash, r *run.Run)) {
	seed := newSeed(t)
	t.Run("killed", func(t *testing.T) {
		for w := range beside {
			t.Run(strconv.Itoa(w), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(seed, uint64(w))) //nolint:gosec // moments of a test
				for k.wants(false, false) {
					k.run(newCrash(t, rng), begin, judge)
				}
			})
		}
	})
	if k.hit < k.inCommand {
		t.Errorf("after %d kills only %d hit a running command", k.killed, k.hit)
	}
	tally.Add(t, tally.Runs, k.runs)
	tally.Add(t, tally.Kills, k.killed)
	tally.Add(t, tally.LostEvents, 0)  // folded fails at the first
	tally.Add(t, tally.OpenedGates, 0) // so does a fold of an intent without its grant
}

// run has one run killed again and again, and resumed to its end.
func (k *killing) run(c *crash, begin func(c *crash) *child, judge func(c *crash, r *run.Run)) {
	ch := begin(c)
	for n := 0; n < 25 && k.wants(false, false); n++ {
		if !c.kill(ch) {
			break
		}
		r := c.folded()
		k.wants(true, inFlight(r))
		if r.Closed != "" { // killed on its way out
			if r.Start.Lab != "" {
				c.down(r.ID)
			}
			ch = nil
			break
		}
		ch = c.start(c.goOn()...)
	}
	if ch != nil {
		if code := c.ended(ch); code != 0 {
			c.t.Fatalf("the run ended with %d:\n%s", code, ch.err)
		}
	}
	r := c.folded()
	if r.Closed != run.Done {
		c.t.Errorf("the run is %q", r.Closed)
	}
	judge(c, r)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.runs++
}

// On a simulated cluster over SSH.
func TestTortureT1KilledAtAnyMomentOverSSH(t *testing.T) {
	k := &killing{kills: tally.Size(t, 50), inCommand: tally.Size(t, 20)}
	twice := 0
	k.all(t, func(c *crash) *child { return c.begin("20") }, func(c *crash, r *run.Run) {
		n := c.repeated(r)
		if left, _ := filepath.Glob(filepath.Join(c.state, "stepgate", "labs", "*")); len(left) > 0 {
			c.t.Errorf("the lab has left %v", left)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		twice += n
	})
	tally.Add(t, tally.Duplicates, twice)
}

func TestTortureT1KilledTogetherWithItsHosts(t *testing.T) {
	seed := newSeed(t)
	rounds := tally.Size(t, 3)
	kills, twice := 0, 0
	for i := range rounds {
		c := newCrash(t, rand.New(rand.NewPCG(seed, uint64(i)))) //nolint:gosec // moments of a test
		ch := c.begin("20")
		pid := c.labPID()
		if !c.kill(ch) {
			t.Logf("round %d: the run ended before its kill", i)
			continue
		}
		kills++
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		ch = c.start("resume", "--auto", "--approve", "*")
		code := c.ended(ch)
		r := c.folded()
		twice += c.repeated(r)
		switch code {
		case exitOK:
		case exitWaiting, exitFailed:
			c.waitsTruly(r, ch)
			c.down(r.ID)
		default:
			t.Errorf("round %d: it ended with %d:\n%s", i, code, ch.err)
		}
	}
	tally.Add(t, tally.Runs, rounds)
	tally.Add(t, tally.Kills, 2*kills)
	tally.Add(t, tally.Duplicates, twice)
	tally.Add(t, tally.LostEvents, 0) // folded fails at the first
}

// waitsTruly proves that the waiting line names the cell the run stands at.
func (c *crash) waitsTruly(r *run.Run, ch *child) {
	c.t.Helper()
	ask, ok := run.Next(r).(run.Ask)
	if !ok {
		c.t.Fatalf("it says it waits, and the run is at %T:\n%s", run.Next(r), ch.err)
	}
	want := fmt.Sprintf("waiting: %s %s %s – do: stepgate resume %s\n", ask.Wait, ask.Cell.Key.Step, ask.Cell.Key.Target, r.ID)
	if !strings.Contains(ch.err.String(), want) {
		c.t.Errorf("want %q in:\n%s", want, ch.err)
	}
}

func (c *crash) labPID() int {
	c.t.Helper()
	b, err := os.ReadFile(filepath.Join(c.lab, "pid"))
	if err != nil {
		c.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid < 2 {
		c.t.Fatalf("lab pid %q", b)
	}
	return pid
}

func (c *crash) down(id string) {
	c.t.Helper()
	cmd := exec.Command(program(c.t), "lab", "down", id)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+c.state)
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Errorf("lab down: %v\n%s", err, out)
	}
}
