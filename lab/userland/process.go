package userland

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Process is a process of a lab.
type Process struct {
	PID  int
	Args []string
}

// Processes lists those in whose environment stands each of the marks,
// NAME=VALUE: simulated hosts share a kernel, so what runs on one is told by its
// environment, which children inherit. Zombies have none. It needs Linux's /proc.
func Processes(marks ...string) ([]Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var out []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil || len(env) == 0 {
			continue // gone, or somebody else's
		}
		vars := bytes.Split(env, []byte{0})
		if slices.ContainsFunc(marks, func(mark string) bool {
			return !slices.ContainsFunc(vars, func(v []byte) bool { return string(v) == mark })
		}) {
			continue
		}
		argv, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil {
			continue // gone
		}
		out = append(out, Process{pid, strings.Split(strings.TrimRight(string(argv), "\x00"), "\x00")})
	}
	return out, nil
}

// Start starts a process; gone is closed when it has ended, and it is no zombie then.
func Start(cmd *exec.Cmd) (gone <-chan struct{}, err error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // only its end matters
		close(ended)
	}()
	return ended, nil
}

// Await returns when a process that was started is there, as there tells, or has
// ended, or ctx has.
func Await(ctx context.Context, gone <-chan struct{}, there func() bool) {
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for !there() {
		select {
		case <-gone:
			return
		case <-ctx.Done():
			return
		case <-poll.C:
		}
	}
}
