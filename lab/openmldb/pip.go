package openmldb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sdkVersions are the versions of the Python package that the index has.
var sdkVersions = []string{"0.6.9", "0.7.3", "0.8.0", "0.8.4", "0.8.5", "0.9.0", "0.9.2"}

// runPip is `pip show openmldb` and `pip install openmldb==VERSION`.
func runPip(p *program, args []string) int {
	words := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "-") })
	installed := filepath.Join(p.Site.Root(p.Host.Name), "usr", "lib", "python3", "openmldb.version")
	switch {
	case len(words) == 2 && words[0] == "show":
		return p.pipShow(words[1], installed)
	case len(words) == 2 && words[0] == "install":
		if !p.Record("pip", args) {
			return 1
		}
		return p.pipInstall(words[1], installed)
	}
	fmt.Fprintf(p.Stderr, "ERROR: this host's pip only knows `show openmldb` and `install openmldb==VERSION`\n")
	return 1
}

func (p *program) pipShow(name, installed string) int {
	version, err := sdkVersion(installed)
	if err != nil {
		fmt.Fprintln(p.Stderr, "ERROR:", err)
		return 1
	}
	if name != "openmldb" {
		fmt.Fprintf(p.Stderr, "WARNING: Package(s) not found: %s\n", name)
		return 1
	}
	fmt.Fprintf(p.Stdout, "Name: openmldb\nVersion: %s\nSummary: OpenMLDB Python SDK\nLocation: %s\n", version, filepath.Dir(installed))
	return 0
}

// sdkVersion is what is installed: nothing was, since the lab was made, but the old
// version.
func sdkVersion(installed string) (string, error) {
	data, err := os.ReadFile(installed)
	if errors.Is(err, fs.ErrNotExist) {
		return oldVersion, nil
	}
	return strings.TrimSpace(string(data)), err
}

func (p *program) pipInstall(wanted, installed string) int {
	name, version, ok := strings.Cut(wanted, "==")
	if name != "openmldb" || !ok {
		fmt.Fprintf(p.Stderr, "ERROR: this host's pip only installs openmldb==VERSION, not %s\n", wanted)
		return 1
	}
	index := slices.Clone(sdkVersions)
	if p.Site.Fault(p.Host.Name, "pip") == "notfound" {
		index = slices.DeleteFunc(index, func(v string) bool { return v == version })
	}
	before, err := sdkVersion(installed)
	if err != nil {
		fmt.Fprintln(p.Stderr, "ERROR:", err)
		return 1
	}
	if before == version {
		fmt.Fprintf(p.Stdout, "Requirement already satisfied: openmldb==%s in %s\n", version, filepath.Dir(installed))
		return 0
	}
	if !slices.Contains(index, version) {
		fmt.Fprintf(p.Stderr, "ERROR: Could not find a version that satisfies the requirement openmldb==%s (from versions: %s)\n", version, strings.Join(index, ", "))
		fmt.Fprintf(p.Stderr, "ERROR: No matching distribution found for openmldb==%s\n", version)
		return 1
	}
	err = os.MkdirAll(filepath.Dir(installed), 0o755)
	if err == nil {
		err = os.WriteFile(installed, []byte(version+"\n"), 0o644)
	}
	if err != nil {
		fmt.Fprintln(p.Stderr, "ERROR:", err)
		return 1
	}
	fmt.Fprintf(p.Stdout, "Collecting openmldb==%s\nInstalling collected packages: openmldb\n  Attempting uninstall: openmldb\n    Found existing installation: openmldb %s\n    Uninstalling openmldb-%s:\n      Successfully uninstalled openmldb-%s\nSuccessfully installed openmldb-%s\n",
		version, before, before, before, version)
	return 0
}
