package dolphindb

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"stepgate/lab/userland"
)

// program is one call of a simulated program on a machine.
type program struct{ userland.Call }

// programs are the names that [System.Run] knows.
var programs = map[string]func(p *program, args []string) int{
	"dolphindb":      runDolphindb,
	"stopAllNode.sh": runStop,
	"upgrade.sh":     runUpgrade,
	"df":             runDF,
}

// Run runs the program of that name.
func (System) Run(c userland.Call, name string, args []string) (code int, ok bool) {
	run, ok := programs[name]
	if !ok {
		return 0, false
	}
	return run(&program{c}, args), true
}

// exitCode is that of a real program that was run, by the error of its run; unrun is
// the one of a program that couldn't be.
func (p *program) exitCode(err error, unrun int) int {
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		fmt.Fprintln(p.Stderr, err)
		return unrun
	}
	return 0
}

// onMachine is where a path of a configuration file lies. A path below any simulated
// machine's root is the same path on this machine: absolute paths stay when an
// install directory moves. One outside of all is taken as one of the machine's own.
func (p *program) onMachine(path string) string {
	hosts := filepath.Join(p.Site.Dir, "hosts") + string(filepath.Separator)
	if rest, ok := strings.CutPrefix(path, hosts); ok {
		_, inside, _ := strings.Cut(rest, string(filepath.Separator))
		return filepath.Join(p.Site.Root(p.Host.Name), inside)
	}
	return filepath.Join(p.Site.Root(p.Host.Name), path)
}

// options are the arguments of dolphindb: -name value.
func options(args []string) (map[string]string, error) {
	out := map[string]string{}
	for i := 0; i < len(args); i += 2 {
		name, ok := strings.CutPrefix(args[i], "-")
		if !ok || i+1 == len(args) {
			return nil, fmt.Errorf("invalid command line argument %q", args[i])
		}
		out[name] = args[i+1]
	}
	return out, nil
}

// runDolphindb is the program dolphindb: a client with -remoteHost, else a server.
func runDolphindb(p *program, args []string) int {
	o, err := options(args)
	if err != nil {
		fmt.Fprintln(p.Stderr, err)
		return 1
	}
	if o["remoteHost"] != "" {
		return runClient(p, o)
	}
	if p.Path == "" {
		return runServer(p, o)
	}
	err = userland.Become(p.Site, "dolphindb@"+p.Version, append([]string{p.Path}, args...))
	fmt.Fprintln(p.Stderr, err)
	return 126
}
