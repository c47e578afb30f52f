package dolphindb

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"stepgate/lab/site"
)

// process is a process of one simulated machine.
type process struct {
	pid  int
	args []string
}

// line is the command line as a listing on a real machine would show it: without the
// lab's own directory in front of paths.
func (x process) line(s *site.Site) string {
	return strings.ReplaceAll(strings.Join(x.args, " "), s.Dir, "")
}

// processes lists what runs on a machine: simulated machines share a kernel, so their
// processes are told by their environment.
func processes(s *site.Site, host string) ([]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var out []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil || len(env) == 0 {
			continue // gone, or somebody else's
		}
		vars := bytes.Split(env, []byte{0})
		has := func(v string) bool {
			return slices.ContainsFunc(vars, func(x []byte) bool { return string(x) == v })
		}
		if !has("LAB_DIR="+s.Dir) || !has("LAB_HOST="+host) {
			continue
		}
		argv, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil {
			continue
		}
		out = append(out, process{pid, strings.Split(strings.TrimRight(string(argv), "\x00"), "\x00")})
	}
	return out, nil
}
