package executor

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// quote makes s one word for every POSIX shell, byte for byte: everything inside
// single quotes stands for itself, and a single quote ends the word's
// quoting, stands escaped by itself, and begins it anew.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	attemptID    = regexp.MustCompile(`^[0-9a-f]{32}$`)
	runID        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	userName     = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.@+-]*\$?$`)
	intentHash   = regexp.MustCompile(`^[0-9A-Za-z]{1,128}$`)
)

// shellOwned are variables that some shell computes or refuses to have set: a value
// given for one wouldn't arrive as it is.
var shellOwned = map[string]bool{
	"BASHOPTS": true, "BASHPID": true, "BASH_ARGC": true, "BASH_ARGV": true,
	"BASH_LINENO": true, "BASH_SOURCE": true, "BASH_VERSINFO": true,
	"DIRSTACK": true, "EGID": true, "EPOCHREALTIME": true, "EPOCHSECONDS": true, "EUID": true,
	"FUNCNAME": true, "GID": true, "GROUPS": true, "IFS": true, "KSHEGID": true, "KSHEUID": true,
	"KSHGID": true, "KSHUID": true, "LINENO": true, "OPTARG": true, "OPTIND": true, "PATHSEP": true,
	"PGRP": true, "PIPESTATUS": true, "PPID": true, "RANDOM": true, "SECONDS": true,
	"SHELLOPTS": true, "SRANDOM": true, "UID": true, "_": true,
}

// maxValue is what a kernel takes as one string of an environment, with room for
// the name.
const maxValue = 127 << 10

// check says why a command can't be handed to a host byte for byte.
func (c Command) check() error {
	if c.Interpreter == "" || strings.HasPrefix(c.Interpreter, "-") || strings.Contains(c.Interpreter, "=") {
		return fmt.Errorf("interpreter %q isn't the name of a program", c.Interpreter)
	}
	for _, s := range []string{c.Interpreter, c.Body, c.Dir} {
		if strings.ContainsRune(s, 0) {
			return errors.New("a command can't hold a NUL byte")
		}
	}
	if c.User != "" && !userName.MatchString(c.User) {
		return fmt.Errorf("user %q isn't the name of a user", c.User)
	}
	for _, m := range c.Masks {
		if m.Text == "" || strings.ContainsRune(m.Text, 0) || m.With != c.Masks[0].With || strings.Contains(m.With, "\n") {
			return errors.New("a command's masks can't be told to a host")
		}
	}
	for _, v := range c.Env {
		switch {
		case !variableName.MatchString(v.Name):
			return fmt.Errorf("variable %q isn't a name that a shell can export", v.Name)
		case shellOwned[v.Name] || strings.HasPrefix(v.Name, "sg_"):
			return fmt.Errorf("variable %q belongs to the shell", v.Name)
		case strings.ContainsRune(v.Value, 0):
			return fmt.Errorf("variable %q holds a NUL byte", v.Name)
		case len(v.Value) > maxValue:
			return fmt.Errorf("variable %q holds %d bytes; the environment takes %d", v.Name, len(v.Value), maxValue)
		}
	}
	return nil
}

// check says why an attempt can't be named on a host.
func (a Attempt) check() error {
	switch {
	case !attemptID.MatchString(a.ID):
		return fmt.Errorf("attempt id %q isn't 32 hex digits", a.ID)
	case !runID.MatchString(a.RunID):
		return fmt.Errorf("run id %q can't name a directory", a.RunID)
	case !intentHash.MatchString(a.IntentHash):
		return fmt.Errorf("intent hash %q isn't a word of letters and digits", a.IntentHash)
	case a.Leash < 0:
		return fmt.Errorf("a leash of %s isn't a time", a.Leash)
	}
	return a.Host.check()
}

func (h Host) check() error {
	switch {
	case h.Dir == "":
		return errors.New("the host keeps no attempts")
	case !strings.HasPrefix(h.Dir, "/") || strings.ContainsAny(h.Dir, "\x00\n"):
		return fmt.Errorf("attempt directory %q isn't an absolute path", h.Dir)
	case h.MachineID == "" || h.BootID == "":
		return errors.New("the host isn't identified")
	}
	return nil
}
