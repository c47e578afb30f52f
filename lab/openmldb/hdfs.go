package openmldb

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stepgate/lab/site"
)

// hdfsPath is where the lab keeps a path of HDFS, which all hosts share.
func hdfsPath(s *site.Site, path string) string {
	path = strings.TrimPrefix(path, "hdfs://")
	if i := strings.IndexByte(path, '/'); i > 0 { // hdfs://namenode:9000/path
		path = path[i:]
	}
	return filepath.Join(s.Dir, "hdfs", filepath.Clean("/"+path))
}

// runHDFS is `hdfs dfs` with -test, -ls, -mkdir, -put and -rm, which is what putting
// jars there needs.
func runHDFS(p *program, args []string) int {
	if len(args) < 3 || args[0] != "dfs" {
		fmt.Fprintln(p.Stderr, "Usage: hdfs dfs -test|-ls|-mkdir|-put|-rm …")
		return 1
	}
	verb, rest := args[1], slices.DeleteFunc(slices.Clone(args[2:]), func(a string) bool { return strings.HasPrefix(a, "-") })
	if len(rest) == 0 {
		fmt.Fprintf(p.Stderr, "%s: Not enough arguments: expected 1 but got 0\n", verb)
		return 255
	}
	target := rest[len(rest)-1]
	switch verb {
	case "-test":
		if found, err := filepath.Glob(hdfsPath(p.Site, target)); err != nil || len(found) == 0 {
			return 1
		}
		return 0
	case "-ls":
		return p.hdfsList(target)
	case "-mkdir", "-put", "-rm":
		if !p.Record("hdfs", args) {
			return 1
		}
		return p.hdfsChange(verb, rest[:len(rest)-1], target, slices.Contains(args, "-f"))
	}
	fmt.Fprintf(p.Stderr, "%s: this host's hdfs doesn't know it\n", verb)
	return 255
}

func (p *program) hdfsChange(verb string, from []string, target string, force bool) int {
	switch {
	case verb == "-mkdir":
		return p.hdfsFailed(verb, os.MkdirAll(hdfsPath(p.Site, target), 0o755))
	case verb == "-rm":
		for _, path := range append(from, target) {
			found, err := filepath.Glob(hdfsPath(p.Site, path))
			if err != nil || len(found) == 0 {
				fmt.Fprintf(p.Stderr, "rm: `%s': No such file or directory\n", path)
				return 1
			}
			for _, f := range found {
				if err := os.RemoveAll(f); err != nil {
					return p.hdfsFailed(verb, err)
				}
				fmt.Fprintf(p.Stdout, "Deleted %s\n", strings.TrimPrefix(f, filepath.Join(p.Site.Dir, "hdfs")))
			}
		}
		return 0
	case len(from) == 0:
		fmt.Fprintln(p.Stderr, "-put: Not enough arguments: expected 2 but got 1")
		return 255
	}
	for _, path := range from {
		if code := p.hdfsPut(path, target, force); code != 0 {
			return code
		}
	}
	return 0
}

func (p *program) hdfsFailed(verb string, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(p.Stderr, "%s: %v\n", strings.TrimPrefix(verb, "-"), err)
	return 1
}

func (p *program) hdfsList(target string) int {
	path := hdfsPath(p.Site, target)
	found, err := filepath.Glob(path)
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		found, err = filepath.Glob(filepath.Join(path, "*"))
	}
	if _, statErr := os.Stat(path); err != nil || len(found) == 0 && statErr != nil {
		fmt.Fprintf(p.Stderr, "ls: `%s': No such file or directory\n", target)
		return 1
	}
	fmt.Fprintf(p.Stdout, "Found %d items\n", len(found))
	for _, f := range found {
		info, err := os.Stat(f)
		if err != nil {
			continue
		}
		fmt.Fprintf(p.Stdout, "-rw-r--r--   3 %s supergroup %10d %s %s\n", p.Host.User, info.Size(), info.ModTime().Format("2006-01-02 15:04"),
			strings.TrimPrefix(f, filepath.Join(p.Site.Dir, "hdfs")))
	}
	return 0
}

func (p *program) hdfsPut(from, target string, force bool) int {
	to := hdfsPath(p.Site, target)
	if info, err := os.Stat(to); err == nil && info.IsDir() {
		to = filepath.Join(to, filepath.Base(from))
	}
	if _, err := os.Stat(to); err == nil && !force {
		fmt.Fprintf(p.Stderr, "put: `%s': File exists\n", target)
		return 1
	}
	if _, err := os.Stat(filepath.Dir(to)); err != nil {
		fmt.Fprintf(p.Stderr, "put: `%s': No such file or directory: `%s'\n", target, filepath.Dir(target))
		return 1
	}
	in, err := os.Open(from)
	if err != nil {
		fmt.Fprintf(p.Stderr, "put: `%s': No such file or directory\n", from)
		return 1
	}
	defer in.Close()
	out, err := os.Create(to)
	if err == nil {
		if _, err = io.Copy(out, in); err == nil {
			err = out.Close()
		}
	}
	return p.hdfsFailed("put", err)
}
