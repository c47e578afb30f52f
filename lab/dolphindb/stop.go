package dolphindb

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// runStop is stopAllNode.sh: ps | grep dolphindb | grep -v grep | xargs kill -TERM. It
// hits whatever has dolphindb in its command line on the whole machine, its own caller
// if that has. It says nothing; without a match kill shows its usage, and xargs exits
// with 123.
func runStop(p *program, args []string) int {
	if !p.Record("stopAllNode.sh", args) {
		return 1
	}
	all, err := p.processes()
	if err != nil {
		fmt.Fprintln(p.Stderr, err)
		return 1
	}
	var pids []string
	for _, x := range all {
		line := p.line(x)
		if strings.Contains(line, "dolphindb") && !strings.Contains(line, "grep") {
			pids = append(pids, strconv.Itoa(x.PID))
		}
	}
	kill := exec.Command("xargs", "kill", "-TERM")
	kill.Stdin, kill.Stdout, kill.Stderr = strings.NewReader(strings.Join(pids, "\n")), p.Stdout, p.Stderr
	kill.Env = os.Environ()
	return p.exitCode(kill.Run(), 127)
}
