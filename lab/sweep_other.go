//go:build !linux

package lab

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// sweepTime bounds how long processes may take to die.
const sweepTime = 10 * time.Second

// sweep ends every process on the lab's hosts and returns when none is left. It
// knows them by the lab's directory in their environment or argv, as far as ps
// shows them, and by the process groups that their SSH sessions began.
func sweep(dir string) error {
	deadline := time.Now().Add(sweepTime)
	for {
		pids, err := belonging(dir)
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
		time.Sleep(20 * time.Millisecond)
	}
}

func belonging(dir string) ([]int, error) {
	groups, err := sessionGroups(dir)
	if err != nil {
		return nil, err
	}
	out, err := exec.Command("ps", "-A", "-E", "-ww", "-o", "pid=,pgid=,stat=,command=").Output()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 4 || strings.HasPrefix(f[2], "Z") {
			continue
		}
		pid, errPID := strconv.Atoi(f[0])
		group, errGroup := strconv.Atoi(f[1])
		if errPID != nil || errGroup != nil || pid == os.Getpid() {
			continue
		}
		command := " " + strings.Join(f[3:], " ") + " "
		own := strings.Contains(command, " lab serve ") || strings.Contains(command, " lab watch ")
		if !own && (groups[group] || strings.Contains(command, " LAB_DIR="+dir+" ") || strings.Contains(command, dir+"/bin/stepgate lab program ")) {
			pids = append(pids, pid)
		}
	}
	return pids, lines.Err()
}

// sessionGroups are the groups noted by [noteGroup] since the lab booted.
func sessionGroups(dir string) (map[int]bool, error) {
	data, err := os.ReadFile(groupsPath(dir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	groups := map[int]bool{}
	for _, word := range strings.Fields(string(data)) {
		if n, err := strconv.Atoi(word); err == nil && n > 1 {
			groups[n] = true
		}
	}
	return groups, nil
}
