package executortest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"stepgate/executor"
)

// Group is what is alive of a process group. Zombies aren't.
func Group(t testing.TB, leader int) []int {
	t.Helper()
	var pids []int
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it's gone
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		f := strings.Fields(rest)
		if len(f) < 3 || f[0] == "Z" || f[2] != strconv.Itoa(leader) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// group is what is alive of an attempt's process group.
func (b *bench) group(a executor.Attempt) []int {
	b.Helper()
	return Group(b, b.leader(a))
}

// leader is the number of an attempt's process group.
func (b *bench) leader(a executor.Attempt) int {
	b.Helper()
	leader, err := strconv.Atoi(readLine(b, a, "meta", "pgid "))
	if err != nil || leader <= 1 {
		b.Fatalf("the claim says that the process group is %d (%v)", leader, err)
	}
	return leader
}

// readLine is what follows a prefix in a file of an attempt.
func readLine(b *bench, a executor.Attempt, name, prefix string) string {
	b.Helper()
	text, err := os.ReadFile(filepath.Join(a.Host.Dir, a.RunID, a.ID, filepath.FromSlash(name)))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// watchdog is the pid of an attempt's watchdog.
func (b *bench) watchdog(a executor.Attempt) int {
	b.Helper()
	b.runner(a) // is written later
	pid, err := strconv.Atoi(strings.Fields(readLine(b, a, "go/watch", "") + " -")[0])
	if err != nil {
		b.Fatal(err)
	}
	return pid
}

// wantGone waits for the last of a process group.
func (b *bench) wantGone(a executor.Attempt) {
	b.Helper()
	for len(b.group(a)) > 0 { // looks at every process: seldom
		select {
		case <-b.ctx.Done():
			b.Fatal("waited for the end of the process group")
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// wantEnd follows an attempt to its end. By then nothing is left but its runner.
func (b *bench) wantEnd(a executor.Attempt, exits ...int) {
	b.Helper()
	runner := b.runner(a)
	if res, _ := b.follow(a); !slices.Contains(exits, res.Exit) {
		b.Errorf("Follow = exit %d, want %v", res.Exit, exits)
	}
	for _, pid := range b.group(a) {
		if pid != runner {
			b.Errorf("process %d is alive when the attempt has ended: %s", pid, about(pid))
		}
	}
	b.wantGone(a)
}

func about(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return "it's gone"
	}
	return fmt.Sprintf("%.80q", text)
}
