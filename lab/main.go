package lab

import (
	"fmt"
	"io"

	"stepgate/lab/openmldb"
	"stepgate/lab/site"
)

// exitUsage is the exit code of a wrong call.
const exitUsage = 5

// Main is everything after the hidden verb `lab`, and returns the exit code:
//
//	serve DIR               the lab process
//	watch DIR               ends the simulated processes when stdin ends
//	program NAME PATH ARGS  a simulated program, called by the script at PATH
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
	if name == "ledger" {
		return exitCode(s.Record(h.Name, "ledger", args), stderr)
	}
	return openmldb.Run(s, h, name, path, args, stdin, stdout, stderr)
}
