package openmldb

import (
	"fmt"
	"io"
	"strings"
	"time"

	"stepgate/lab/site"
)

// program is one call of a simulated program on a host.
type program struct {
	site    *site.Site
	host    *site.Host
	version string // of the binary on disk, for openmldb
	path    string // of the script that called
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
}

// sleep is a wait of the original, scaled.
func (p *program) sleep(d time.Duration) { time.Sleep(p.site.Scaled(d)) }

// programs are the names that [Run] knows.
var programs = map[string]func(p *program, args []string) int{
	"openmldb": runOpenmldb,
	"start.sh": runStart,
	"python":   runPython,
	"pip":      runPip,
	"hdfs":     runHDFS,
	"mon":      runMon,

	"taskmanager.sh": runTaskManagerSh,
	"taskmanager":    runTaskManager,
}

// Run runs the program of that name, called by the script at path, and returns
// its exit code. openmldb carries the version of the file, as openmldb@0.9.2.
func (System) Run(s *site.Site, h *site.Host, name, path string, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	base, version, _ := strings.Cut(name, "@")
	run, ok := programs[base]
	if !ok {
		fmt.Fprintf(stderr, "%s: no such program in the lab\n", name)
		return 127
	}
	p := &program{site: s, host: h, version: version, path: path, stdin: stdin, stdout: stdout, stderr: stderr}
	return run(p, args)
}
