package dolphindb

import (
	"errors"
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
	all, err := processes(p.Site, p.Host.Name)
	if err != nil {
		fmt.Fprintln(p.Stderr, err)
		return 1
	}
	var pids []string
	for _, x := range all {
		line := x.line(p.Site)
		if strings.Contains(line, "dolphindb") && !strings.Contains(line, "grep") {
			pids = append(pids, strconv.Itoa(x.pid))
		}
	}
	kill := exec.Command("xargs", "kill", "-TERM")
	kill.Stdin, kill.Stdout, kill.Stderr = strings.NewReader(strings.Join(pids, "\n")), p.Stdout, p.Stderr
	kill.Env = os.Environ()
	err = kill.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		fmt.Fprintln(p.Stderr, err)
		return 127
	}
	return 0
}
