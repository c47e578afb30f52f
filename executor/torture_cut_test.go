package executor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"stepgate/cmd/torture/tally"
	"stepgate/executor"
	"stepgate/executor/executortest"
)

const (
	cutEvery   = 64               // bytes
	noticed    = 20 * time.Second // within which a call has to end on a link that has failed
	cutWorkers = 5
)

// TestTortureT7LinksCut runs commands at a real sshd over links that fail at every 64th
// byte of either direction, in each way that links fail. A command runs at most once;
// what is said of it is true; every call ends in time and leaves nothing behind.
func TestTortureT7LinksCut(t *testing.T) {
	n := tally.Size(t, 60)
	c := &cutRun{t: t, ledger: filepath.Join(memoryDir(t), "ledger")}
	server, _, config := realSite(t, "MaxStartups 100:30:200")
	c.addr = server.addr
	key := strings.SplitN(readFile(t, config.KnownHosts[0]), " ", 2)[1]
	rewrite(t, config.KnownHosts[0], "* "+strings.TrimSpace(key))
	config.Keepalive, config.DialTimeout = 300*time.Millisecond, 4*time.Second
	c.config = config
	before := goleak.IgnoreCurrent()
	sizes := c.story("whole", cut{at: -1})
	if t.Failed() {
		return
	}
	cuts := everyCut(sizes)
	jobs := make(chan int)
	var workers sync.WaitGroup
	for range cutWorkers {
		workers.Go(func() {
			for i := range jobs {
				// Spread over all of them: 7919 is prime, so that none comes twice early.
				k := cuts[i*7919%len(cuts)]
				c.story(fmt.Sprintf("%d", i), k)
			}
		})
	}
	for i := range n {
		jobs <- i
	}
	close(jobs)
	workers.Wait()
	for _, entry := range c.fenced {
		if strings.Contains(c.read(), entry) {
			c.lies.Add(1)
			t.Errorf("%s was fenced off, and ran", entry)
		}
	}
	tally.Add(t, tally.Runs, int(c.runs.Load()))
	tally.Add(t, tally.Cuts, int(c.cuts.Load()))
	tally.Add(t, tally.Duplicates, int(c.duplicates.Load()))
	tally.Add(t, tally.Lies, int(c.lies.Load()))
	if c.cuts.Load() < int32(n*9/10) { //nolint:gosec // small
		t.Errorf("only %d of %d links were cut", c.cuts.Load(), n)
	}
	if err := goleak.Find(before); err != nil {
		t.Errorf("something was left behind: %v", err)
	}
}

// everyCut lists the cuts of a link over which so many bytes pass.
func everyCut(sizes [2]int64) []cut {
	var out []cut
	for direction, size := range sizes {
		for at := int64(0); at < size; at += cutEvery {
			for kind := range cutKinds {
				out = append(out, cut{kind: kind, toServer: direction == 0, at: at})
			}
		}
	}
	return out
}

// cutRun is what the stories share, and their figures.
type cutRun struct {
	t                            *testing.T
	addr, ledger                 string
	config                       executor.SSHConfig
	runs, cuts, duplicates, lies atomic.Int32

	mu     sync.Mutex
	fenced []string // lines that must never be in the ledger
}

// story runs one command over a link that fails, as the engine would: it starts it,
// asks what became of it whenever an answer is missing, and starts it again only when
// the host has fenced it off. It returns how many bytes passed.
func (c *cutRun) story(name string, k cut) [2]int64 {
	p := newCutter(c.t, c.addr, k)
	defer p.close()
	config := c.config
	config.Addr, config.Name = p.addr, fmt.Sprintf("%s: %+v", name, k)
	x := executor.NewSSH(config)
	defer x.Close()
	s := &cutStory{cutRun: c, x: x, name: config.Name, host: name}
	s.run()
	c.runs.Add(1)
	if p.hit() {
		c.cuts.Add(1)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passed
}

type cutStory struct {
	*cutRun
	x          executor.Executor
	name, host string
}

// until makes a call again until it ends well. Each time it has to end.
func (s *cutStory) until(what string, call func(ctx context.Context) error) bool {
	for tries := 0; ; tries++ {
		ctx, cancel := context.WithTimeout(s.t.Context(), noticed)
		err := call(ctx)
		late := ctx.Err() != nil
		cancel()
		switch {
		case late:
			s.t.Errorf("%s: %s didn't end within %s: %v", s.name, what, noticed, err)
			return false
		case err == nil:
			return true
		case tries == 20:
			s.t.Errorf("%s: %s: %v", s.name, what, err)
			return false
		}
	}
}

func (s *cutStory) run() {
	var host executor.Host
	if !s.until("Identify", func(ctx context.Context) (err error) { host, err = s.x.Identify(ctx); return err }) {
		return
	}
	for attempt := range 10 {
		entry := fmt.Sprintf("\n%s/%d\n", s.host, attempt)
		a := executor.Attempt{
			ID: fmt.Sprintf("%032x", attempt+1), RunID: "cut-" + s.host, IntentHash: "a", Host: host,
			Command: executor.Command{Interpreter: "sh", Body: fmt.Sprintf(
				"echo '%s' >>'%s'; echo begun; sleep 0.1; echo ended; exit 7", strings.TrimSpace(entry), s.ledger)},
		}
		started, ok := s.start(a)
		if !ok {
			return
		}
		if started {
			s.follow(a, entry)
			return
		}
		s.mu.Lock()
		s.fenced = append(s.fenced, entry)
		s.mu.Unlock()
	}
	s.t.Errorf("%s: ten attempts were fenced off", s.name)
}

// start starts an attempt; false when the host says that it never will start.
func (s *cutStory) start(a executor.Attempt) (started, ok bool) {
	ctx, cancel := context.WithTimeout(s.t.Context(), noticed)
	claim, err := s.x.Start(ctx, a)
	cancel()
	if claim == executor.Started || claim == executor.Attached {
		return true, true
	}
	if claim == executor.Known || claim == executor.Refused {
		s.t.Errorf("%s: Start = %d, %v", s.name, claim, err)
		return false, false
	}
	var rep executor.Report
	if !s.until("Probe", func(ctx context.Context) (err error) { rep, err = s.x.Probe(ctx, a, true); return err }) {
		return false, false
	}
	switch rep.Fate {
	case executor.NeverStarted:
		return false, true
	case executor.Running, executor.Finished:
		return true, true
	default:
		s.t.Errorf("%s: the fate is %s", s.name, rep.Fate)
		return false, false
	}
}

// follow sees the attempt to its end and compares what is said with what happened.
func (s *cutStory) follow(a executor.Attempt, entry string) {
	rec := executortest.NewRecorder(executor.Offsets{})
	var res executor.Result
	if !s.until("Follow", func(ctx context.Context) (err error) {
		from := executor.Offsets{int64(len(rec.Text(executor.Stdout))), int64(len(rec.Text(executor.Stderr)))}
		res, err = s.x.Follow(ctx, a, from, rec)
		var fate *executor.FateError
		if errors.As(err, &fate) {
			s.lies.Add(1)
			s.t.Errorf("%s: Follow says that it %s", s.name, fate.Report.Fate)
		}
		return err
	}) {
		return
	}
	if rec.Err() != nil || res.Exit != 7 || rec.Text(executor.Stdout) != "begun\nended\n" || rec.Text(executor.Stderr) != "" {
		s.lies.Add(1)
		s.t.Errorf("%s: %+v, %v, with %q and %q", s.name, res, rec.Err(), rec.Text(executor.Stdout), rec.Text(executor.Stderr))
	}
	switch ran := strings.Count(s.read(), entry); {
	case ran > 1:
		s.duplicates.Add(1)
		s.t.Errorf("%s: it ran %d times", s.name, ran)
	case ran == 0:
		s.lies.Add(1)
		s.t.Errorf("%s: it ended, and never ran", s.name)
	}
}

// read is the ledger, each of whose lines is one execution.
func (c *cutRun) read() string {
	text, err := os.ReadFile(c.ledger)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.t.Error(err)
	}
	return "\n" + strings.ReplaceAll(string(text), "\n", "\n\n") // so that each line has both its ends
}
