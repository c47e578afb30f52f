package dolphindb

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"stepgate/lab/site"
	"stepgate/lab/userland"
)

// program is one call of a simulated program on a machine.
type program struct {
	site    *site.Site
	host    *site.Host
	version string // of the file on disk, for dolphindb
	path    string // of the script that called; empty for a server process
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
}

// programs are the names that [System.Run] knows.
var programs = map[string]func(p *program, args []string) int{
	"dolphindb":      runDolphindb,
	"stopAllNode.sh": runStop,
	"upgrade.sh":     runUpgrade,
	"df":             runDF,
}

// Run runs a program of a machine. dolphindb carries the version of the file, as
// dolphindb@2.00.8.12.
func (System) Run(s *site.Site, h *site.Host, name, path string, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	base, version, _ := strings.Cut(name, "@")
	run, ok := programs[base]
	if !ok {
		fmt.Fprintf(stderr, "%s: no such program in the lab\n", name)
		return 127
	}
	return run(&program{site: s, host: h, version: version, path: path, stdin: stdin, stdout: stdout, stderr: stderr}, args)
}

// sleep is a wait of the original, scaled; it ends early with ctx.
func (p *program) sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(p.site.Scaled(d))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// record keeps an act in the ledger, and says whether it may go on.
func (p *program) record(name string, args []string) bool {
	if err := p.site.Record(p.host.Name, name, args); err != nil {
		fmt.Fprintln(p.stderr, err)
		return false
	}
	return true
}

// onMachine is where a path of a configuration file lies. A path below any simulated
// machine's root is the same path on this machine: absolute paths stay when an
// install directory moves. One outside of all is taken as one of the machine's own.
func (p *program) onMachine(path string) string {
	hosts := filepath.Join(p.site.Dir, "hosts") + string(filepath.Separator)
	if rest, ok := strings.CutPrefix(path, hosts); ok {
		_, inside, _ := strings.Cut(rest, string(filepath.Separator))
		return filepath.Join(p.site.Root(p.host.Name), inside)
	}
	return filepath.Join(p.site.Root(p.host.Name), path)
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
		fmt.Fprintln(p.stderr, err)
		return 1
	}
	if o["remoteHost"] != "" {
		return runClient(p, o)
	}
	if p.path == "" {
		return runServer(p, o)
	}
	err = userland.Become(p.site, "dolphindb@"+p.version, append([]string{p.path}, args...))
	fmt.Fprintln(p.stderr, err)
	return 126
}
