package state

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// writeLock is the byte of the log's index that a writer has locked (walformat,
// section 2.3.1).
const writeLock = 120

// writerOf finds who has the journal at path locked for writing. It opens none
// of the journal's files, because closing one drops this process's own locks.
// Locks of other process namespaces aren't listed.
func writerOf(path string) (writer, bool) {
	fi, err := os.Stat(path + "-shm")
	if err != nil {
		return writer{}, false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return writer{}, false
	}
	locks, err := os.Open("/proc/locks")
	if err != nil {
		return writer{}, false
	}
	defer func() { _ = locks.Close() }() // only read
	where := fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		// 1: POSIX  ADVISORY  WRITE 4711 fd:01:9203 120 120
		f := strings.Fields(lines.Text())
		if len(f) != 8 || f[1] != "POSIX" || f[3] != "WRITE" || f[5] != where {
			continue
		}
		var w writer
		var from, to int
		if n, _ := fmt.Sscan(f[4]+" "+f[6]+" "+f[7], &w.pid, &from, &to); n != 3 || from > writeLock || to < writeLock {
			continue
		}
		if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", w.pid)); err == nil {
			w.name = string(bytes.TrimSpace(name))
		}
		return w, true
	}
	return writer{}, false
}

// stopped tells whether a process was stopped and not continued.
func stopped(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	rest := bytes.TrimSpace(b[bytes.LastIndexByte(b, ')')+1:])
	return len(rest) > 0 && (rest[0] == 'T' || rest[0] == 't')
}
