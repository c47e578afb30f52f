package lab

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"stepgate/lab/site"
	"stepgate/lab/userland"
)

// exitUsage is the exit code of a wrong call.
const exitUsage = 5

// Called says whether a process with these arguments, its own name first, is one of a
// lab's, and returns what [Main] is to be called with.
func Called(argv []string) ([]string, bool) {
	if program := os.Getenv(userland.ProgramVariable); program != "" {
		if err := os.Unsetenv(userland.ProgramVariable); err != nil { // what it starts is itself again
			return nil, false
		}
		return append([]string{"program", program, ""}, argv[1:]...), true
	}
	if len(argv) > 2 && argv[1] == "lab" && slices.Contains([]string{"serve", "watch", "program"}, argv[2]) {
		return argv[2:], true
	}
	return nil, false
}

// Main is everything after the hidden verb `lab`, and returns the exit code:
//
//	serve DIR               the lab process
//	watch DIR               ends the simulated processes when stdin ends
//	program NAME PATH ARGS  a simulated program, called by the script at PATH; an
//	                        empty PATH: it is itself, on the host of its environment
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 2 && args[0] == "serve":
		return exitCode(serve(args[1]), stderr)
	case len(args) == 2 && args[0] == "watch":
		return exitCode(watch(args[1], stdin), stderr)
	case len(args) >= 3 && args[0] == "program":
		return runProgram(args[1], args[2], args[3:], stdin, stdout, stderr)
	}
	fmt.Fprintln(stderr, "usage: lab serve DIR | lab watch DIR | lab program NAME PATH ARGS…")
	return exitUsage
}

func exitCode(err error, stderr io.Writer) int {
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func runProgram(name, path string, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s, h, err := site.Locate(path)
	if err != nil {
		return exitCode(err, stderr)
	}
	switch name {
	case "ledger":
		return exitCode(s.Record(h.Name, "ledger", args), stderr)
	case "ss":
		return userland.SS(args, stdout, stderr)
	}
	system, err := systemOf(s.System)
	if err != nil {
		return exitCode(err, stderr)
	}
	program, version, _ := strings.Cut(name, "@")
	code, ok := system.Run(userland.Call{Site: s, Host: h, Version: version, Path: path, Stdin: stdin, Stdout: stdout, Stderr: stderr}, program, args)
	if !ok {
		fmt.Fprintf(stderr, "%s: no such program in the lab\n", name)
		return 127
	}
	return code
}
