package state

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"stepgate/runbook/text"
)

// process is who a process is. A pid alone is used again, after a reboot or
// before; a boot id alone doesn't tell a reboot from another machine.
type process struct {
	boot    string
	pid     int
	start   string
	machine string // "": this machine has no id, or an earlier version wrote it
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
	return process{boot, pid, start, machineID()}, nil
}

func (p process) String() string {
	s := p.boot + ":" + strconv.Itoa(p.pid) + ":" + p.start
	if p.machine != "" {
		s += ":" + p.machine
	}
	return s
}

func parseProcess(s string) (process, bool) {
	f := strings.Split(s, ":")
	if len(f) != 3 && len(f) != 4 {
		return process{}, false
	}
	pid, err := strconv.Atoi(f[1])
	p := process{boot: f[0], pid: pid, start: f[2]}
	if len(f) == 4 {
		p.machine = f[3]
	}
	return p, err == nil
}

// elsewhere tells whether the process belongs to another machine than self, so
// that from here nobody can say whether it still exists. Containers of one
// machine share its boot id, and its locks.
func (p process) elsewhere(self process) bool {
	return p.boot != self.boot && p.machine != "" && self.machine != "" && p.machine != self.machine
}

// alive tells whether the process still exists, as far as self can see.
func (p process) alive(self process) bool {
	start, ok := startOf(p.pid)
	return ok && p.boot == self.boot && p.start == start
}

// writer is a process that has the journal locked.
type writer struct {
	pid  int
	name string // of its program; "" when it can't be seen
}

func (w writer) String() string {
	if w.name == "" {
		return fmt.Sprintf("process %d", w.pid)
	}
	return fmt.Sprintf("process %d (%s)", w.pid, text.Line(text.Untrusted(w.name)))
}

// remedy is what to do about a writer that doesn't end.
func (w writer) remedy() string {
	if stopped(w.pid) {
		return fmt.Sprintf("process %d is stopped: `kill -CONT %d` lets it go on, `kill -KILL %d` ends it", w.pid, w.pid, w.pid)
	}
	return fmt.Sprintf("wait for process %d, or end it (`kill %d`), and try again", w.pid, w.pid)
}
