package openmldb

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// runPython runs the simulated tools, and hands everything else to the
// machine's own Python.
func runPython(p *program, args []string) int {
	switch {
	case len(args) == 2 && args[0] == "-c" && strings.TrimSpace(args[1]) == "import prettytable":
		return 0
	case len(args) > 1 && args[0] == "-m" && args[1] == "pip" && slices.Contains(p.Host.Groups, "python_sdk"):
		return runPip(p, args[2:])
	case len(args) > 0 && filepath.Base(args[0]) == "openmldb_ops.py":
		if _, err := os.Stat(args[0]); err != nil {
			fmt.Fprintf(p.Stderr, "python: can't open file '%s': [Errno 2] No such file or directory\n", args[0])
			return 2
		}
		p.Path = args[0]
		return runOps(p, args[1:])
	}
	own := filepath.Dir(p.Path)
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		for _, name := range []string{"python3", "python"} {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err != nil || info.IsDir() || info.Mode()&0o111 == 0 || sameDir(dir, own) {
				continue
			}
			err := syscall.Exec(path, append([]string{name}, args...), os.Environ())
			fmt.Fprintf(p.Stderr, "python: %v\n", err)
			return 126
		}
	}
	fmt.Fprintln(p.Stderr, "python: this host has no Python but for tools/openmldb_ops.py")
	return 127
}

func sameDir(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}
