package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// sweepTime bounds how long processes may take to die.
const sweepTime = 10 * time.Second

// sweep ends every process on the lab's hosts and returns when none is left. It
// knows them by the lab's mark in their environment, which children inherit.
func sweep(dir string) error {
	mark := []byte("LAB_DIR=" + dir)
	deadline := time.Now().Add(sweepTime)
	for {
		pids, err := marked(mark)
		if err != nil {
			return fmt.Errorf("end the lab's processes: %w", err)
		}
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("end process %d of the lab: %w", pid, err)
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("end the lab's processes: %d don't die, among them %d", len(pids), pids[0])
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// marked lists the processes, other than this one and zombies, whose environment
// has the mark.
func marked(mark []byte) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil {
			continue // gone, or somebody else's
		}
		for v := range bytes.SplitSeq(env, []byte{0}) {
			if bytes.Equal(v, mark) {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids, nil
}
