package runbook

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// IsShell reports whether an interpreter reads shell language.
func IsShell(interpreter string) bool { return isShell(interpreter) }

// ParseShell reads text as the language of a shell. at is the byte offset of
// what can't be read.
func ParseShell(interpreter, body string) (f *syntax.File, at int, err error) {
	return parseShell(interpreter, body)
}

// Unwrap removes from a command line the commands that run the command behind
// them: sudo, env, nohup, timeout and the like.
func Unwrap(args []string) []string { return unwrap(args) }

// Inner is the shell text that a command line runs in another shell, by
// `sh -c`, ssh, eval, su -c or watch; "" when it is no such command line or the
// text isn't written out.
func Inner(args []string) string {
	if len(args) == 0 {
		return ""
	}
	switch name := base(args[0]); {
	case isShell(name), name == "eval", name == "ssh", name == "su", name == "watch":
		return strings.TrimSpace(innerText(name, args[1:]))
	}
	return ""
}

// Destroys says what a command line runs that can't be taken back, such as
// "rm -r", or "". It judges this one command: not what [Unwrap] removes, nor what
// [Inner] returns.
func Destroys(args []string) string {
	if len(args) == 0 {
		return ""
	}
	name := base(args[0])
	if name == "find" && verb("-delete")(args) {
		return "find -delete"
	}
	return destroys(name, args[1:])
}

// Overwrites says what writing to path replaces: a device or a configuration
// file; else "".
func Overwrites(path string) string {
	switch {
	case device.MatchString(path):
		return "the device " + path
	case configFile.MatchString(path):
		return path
	}
	return ""
}

// DestroysSQL returns the words in text that destroy data in a database, or "".
func DestroysSQL(text string) string {
	return strings.Join(strings.Fields(destructiveSQL.FindString(text)), " ")
}

// IsInterpreter reports whether a fence may be run by an interpreter of that name.
func IsInterpreter(name string) bool { return slices.Contains(interpreters(), name) }

// Judge says why a command that no author has marked is to pass a gate: what it
// looks like, as in a plain document; "" when nothing about it looks destructive.
func Judge(interpreter, body string) string {
	if !isShell(interpreter) {
		return "it is " + interpreter + ", which can't be judged"
	}
	if why := judgeText(body, "it can't be read as shell"); why != "" {
		return why
	}
	if m := placeholder.FindString(body); m != "" {
		return "it may hold a placeholder: " + m
	}
	return ""
}
