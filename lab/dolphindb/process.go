package dolphindb

import (
	"strings"

	"stepgate/lab/userland"
)

// processes lists what else runs on the program's machine.
func (p *program) processes() ([]userland.Process, error) {
	return userland.Processes("LAB_DIR="+p.Site.Dir, "LAB_HOST="+p.Host.Name)
}

// line is the command line as a listing on a real machine would show it: without the
// lab's own directory in front of paths.
func (p *program) line(x userland.Process) string {
	return strings.ReplaceAll(strings.Join(x.Args, " "), p.Site.Dir, "")
}
