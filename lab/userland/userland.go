package userland

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"stepgate/lab/site"
)

// ProgramVariable names, in the environment of a process that [Become] made, the
// simulated program that it is; its arguments are the program's own.
const ProgramVariable = "LAB_PROGRAM"

// Script is the text of a file that runs a simulated program. The program learns the
// path of the file.
func Script(s *site.Site, program string) string {
	return "#!/bin/sh\nexec " + quote(s.Binary()) + " lab program " + program + ` "$0" "$@"` + "\n"
}

// Become turns this process into the simulated program with just these arguments,
// argv[0] among them, as a process listing shows them. It returns only when it
// failed.
func Become(s *site.Site, program string, argv []string) error {
	// The name of the file is what the listing shows as the command.
	path := filepath.Join(s.Dir, "bin", filepath.Base(argv[0]))
	if err := os.Link(s.Binary(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("run %q: %w", argv[0], err)
	}
	if err := syscall.Exec(path, argv, append(os.Environ(), ProgramVariable+"="+program)); err != nil {
		return fmt.Errorf("run %q: %w", argv[0], err)
	}
	return nil
}

// Lay puts the programs on a host's PATH that every host has.
func Lay(s *site.Site, h *site.Host) error {
	bin := filepath.Join(s.Root(h.Name), "usr", "bin")
	tools := map[string]string{"ledger": Script(s, "ledger")}
	if !onSystemPath("ss") {
		tools["ss"] = Script(s, "ss")
	}
	if !onSystemPath("bash") {
		bash, err := exec.LookPath("bash")
		if err != nil {
			bash = "/bin/sh"
		}
		tools["bash"] = "#!/bin/sh\nexec " + quote(bash) + " \"$@\"\n"
	}
	for name, text := range tools {
		if err := Write(filepath.Join(bin, name), text, 0o755); err != nil {
			return err
		}
	}
	return nil
}

func onSystemPath(name string) bool {
	for _, dir := range filepath.SplitList(site.SystemPath) {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Write lays out a file with the directories above it.
func Write(path, text string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("lay out: %w", err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		return fmt.Errorf("lay out: %w", err)
	}
	return nil
}
