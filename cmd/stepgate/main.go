// Command stepgate walks an operator through a runbook.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"stepgate/lab"
)

func main() {
	// A lab's own calls are answered before anything else is set up: there are
	// hundreds of them.
	if args, ok := lab.Called(os.Args); ok {
		os.Exit(lab.Main(args, os.Stdin, os.Stdout, os.Stderr))
	}
	keepFiles()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := Main(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, console: &console{}})
	stop()
	os.Exit(code)
}

// keepFiles keeps files that this process was handed (a pipe for --events-fd)
// from what it starts: a simulated cluster outlives it.
func keepFiles() {
	for fd := 3; fd < 64; fd++ {
		syscall.CloseOnExec(fd)
	}
}
