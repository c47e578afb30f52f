package state

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

func bootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return string(bytes.TrimSpace(b)), err
}

// machineID is this installation's id; "" where there is none, as in some
// containers.
func machineID() string {
	b, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(b))
}

// startOf returns when a process was started, in ticks since boot; false when
// there is none.
func startOf(pid int) (string, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	// The name, in parentheses, may hold anything; fields 3 and on follow the
	// last closing one. Field 22 is the start time.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 20 || fields[0][0] == 'Z' {
		return "", false
	}
	return string(fields[19]), true
}

// sinceBoot is the time since boot in nanoseconds, counting sleep.
func sinceBoot() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0 // it is a second opinion on durations only
	}
	return ts.Nano()
}
