package state

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// process is who a process is. A pid alone is used again, after a reboot or
// before.
type process struct {
	boot  string
	pid   int
	start string
}

func thisProcess() (process, error) {
	boot, err := bootID()
	if err != nil {
		return process{}, fmt.Errorf("find this boot's id: %w", err)
	}
	pid := os.Getpid()
	start, ok := startOf(pid)
	if !ok {
		return process{}, fmt.Errorf("find when process %d was started", pid)
	}
	return process{boot, pid, start}, nil
}

func (p process) String() string { return p.boot + ":" + strconv.Itoa(p.pid) + ":" + p.start }

func parseProcess(s string) (process, bool) {
	f := strings.Split(s, ":")
	if len(f) != 3 {
		return process{}, false
	}
	pid, err := strconv.Atoi(f[1])
	return process{f[0], pid, f[2]}, err == nil
}

// alive tells whether the process still exists, as far as this one can see.
func (p process) alive(boot string) bool {
	start, ok := startOf(p.pid)
	return ok && p.boot == boot && p.start == start
}
