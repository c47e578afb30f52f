package lab

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"stepgate/lab/userland"
)

// sweepTime bounds how long processes may take to die.
const sweepTime = 10 * time.Second

// sweep ends every process on the lab's hosts and returns when none is left. It
// knows them by the lab's mark in their environment, which children inherit.
func sweep(dir string) error {
	deadline := time.Now().Add(sweepTime)
	for {
		left, err := userland.Processes("LAB_DIR=" + dir)
		if err != nil {
			return fmt.Errorf("end the lab's processes: %w", err)
		}
		left = slices.DeleteFunc(left, func(p userland.Process) bool { return p.PID == os.Getpid() })
		if len(left) == 0 {
			return nil
		}
		for _, p := range left {
			if err := unix.Kill(p.PID, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("end process %d of the lab: %w", p.PID, err)
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("end the lab's processes: %d don't die, among them %d", len(left), left[0].PID)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
