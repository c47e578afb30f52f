package openmldb

import "stepgate/lab/userland"

// program is one call of a simulated program.
type program struct{ userland.Call }

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

// Run runs the program of that name.
func (System) Run(c userland.Call, name string, args []string) (code int, ok bool) {
	run, ok := programs[name]
	if !ok {
		return 0, false
	}
	return run(&program{c}, args), true
}
