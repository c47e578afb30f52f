package executor_test

import (
	"fmt"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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

// background is a background process under torture.
type background struct {
	*victim
	a      executor.Attempt
	leader int
}

// backgroundBodies are ways to live on.
var backgroundBodies = []string{
	`wait`, `sleep 300 & sleep 300 & wait`, `exec sleep 300`,
	`trap '' TERM; while :; do sleep 0.3; done`,
	`(trap '' TERM HUP INT; while :; do sleep 0.3; done) & wait`,
	`trap 'sleep 1; exit 9' TERM; while :; do sleep 0.3; done`,
	`while :; do sleep 0.7 & sleep 0.3; done`,
}

// background starts one and waits until its runner is seen.
func (v *victim) background() *background {
	a := v.attempt(backgroundBodies[mrand.IntN(len(backgroundBodies))] + "\n")
	a.Leash = 2 * time.Second
	if claim, err := v.x.Start(v.Context(), a); claim != executor.Started || err != nil {
		v.Fatalf("Start = %d, %v", claim, err)
	}
	b := &background{victim: v, a: a}
	for end := time.Now().Add(time.Minute); v.runner(a) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			v.Fatal("no runner is seen")
		}
	}
	for line := range strings.Lines(readFile(v.T, filepath.Join(v.host.Dir, a.RunID, a.ID, "meta"))) {
		if n, ok := strings.CutPrefix(line, "pgid "); ok {
			b.leader, _ = strconv.Atoi(strings.TrimSpace(n))
		}
	}
	if b.leader <= 1 {
		v.Fatal("the claim has no process group")
	}
	return b
}

// command is what is alive of its command: its group without runner and watchdog, and
// what that waits for.
func (b *background) command() []int {
	watchdog := b.watchdog()
	return slices.DeleteFunc(executortest.Group(b, b.leader), func(pid int) bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, rest, _ := strings.Cut(string(stat), ") ")
		f := strings.Fields(rest)
		return err != nil || len(f) < 2 || pid == b.runner(b.a) || pid == watchdog || f[1] == strconv.Itoa(watchdog)
	})
}

func (b *background) watchdog() int {
	text, _ := os.ReadFile(filepath.Join(b.host.Dir, b.a.RunID, b.a.ID, "go", "watch"))
	pid, _, _ := strings.Cut(string(text), " ")
	n, _ := strconv.Atoi(pid)
	return n
}

// abuse does something to it, and says how many processes it has killed.
func (b *background) abuse() (kills int) {
	kill := func(pid int, s syscall.Signal) int {
		if pid <= 1 || syscall.Kill(pid, s) != nil || s != syscall.SIGKILL {
			return 0
		}
		return 1
	}
	command := b.command()
	one := 0
	if len(command) > 0 {
		one = command[mrand.IntN(len(command))]
	}
	switch mrand.IntN(8) {
	case 0:
		return kill(b.runner(b.a), syscall.SIGKILL)
	case 1:
		return kill(one, syscall.SIGKILL)
	case 2:
		return kill(one, syscall.SIGSTOP)
	case 3:
		return kill(one, syscall.SIGTERM)
	case 4:
		return kill(-b.leader, syscall.SIGTERM)
	case 5:
		return kill(b.runner(b.a), syscall.SIGKILL) + kill(one, syscall.SIGKILL)
	case 6:
		if _, err := b.x.Signal(b.Context(), b.a, executor.Term); err != nil {
			b.Errorf("Signal = %v", err)
		}
	}
	return 0
}

// TestTortureBackgroundProcesses abuses background processes at any moment, and then
// leaves them alone: nothing of them is left, and nobody said so before.
func TestTortureBackgroundProcesses(t *testing.T) {
	t.Parallel()
	var victims []*victim
	for _, shell := range protocolShells {
		if v, ok := newVictim(t, shell, memoryDir(t)); ok {
			victims = append(victims, v)
		}
	}
	const atOnce = 18
	var mu sync.Mutex
	kills, lies := 0, 0
	size := tally.Size(t, atOnce)
	for begun := 0; begun < size; begun += atOnce {
		var all sync.WaitGroup
		for i := range atOnce {
			all.Go(func() {
				t.Run(fmt.Sprintf("%d", begun+i), func(t *testing.T) {
					v := *victims[i%len(victims)]
					v.T = t
					k, l := v.background().torture()
					mu.Lock()
					defer mu.Unlock()
					kills, lies = kills+k, lies+l
				})
			})
		}
		all.Wait()
	}
	tally.Add(t, tally.Runs, size)
	tally.Add(t, tally.Kills, kills)
	tally.Add(t, tally.Lies, lies)
}

// torture beats for a while, abuses the process, and waits for its end.
func (b *background) torture() (kills, lies int) {
	beats := mrand.IntN(12)
	when := mrand.IntN(12)
	for i := range max(beats, when) + 1 {
		if i < beats {
			_ = b.x.Beat(b.Context(), b.a) // its end shows below
		}
		if i == when {
			kills = b.abuse()
		}
		time.Sleep(time.Duration(mrand.IntN(300)) * time.Millisecond) // any moment
	}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(300 * time.Millisecond) {
		rep, err := b.x.Probe(b.Context(), b.a, false)
		if err != nil {
			b.Errorf("Probe = %v", err)
			return kills, lies
		}
		over := rep.Fate == executor.Finished || rep.Fate == executor.Died
		if left := b.command(); over && len(left) > 0 {
			b.Errorf("it is %s, and %v are alive", rep.Fate, left)
			lies++
		}
		if over && len(executortest.Group(b, b.leader)) == 0 {
			return kills, lies
		}
		if time.Now().After(end) {
			b.Errorf("it is %s (%s), and %v of its group are alive", rep.Fate, rep.Detail, executortest.Group(b, b.leader))
			_ = syscall.Kill(-b.leader, syscall.SIGKILL)
			return kills, lies
		}
	}
}
