// Command stepgate walks an operator through a runbook.
package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"stepgate/lab"
)

// labVerbs are what a lab calls its own binary with. They are answered before
// anything else is set up: a simulated cluster calls them hundreds of times.
var labVerbs = []string{"serve", "watch", "program"}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "lab" && slices.Contains(labVerbs, os.Args[2]) {
		os.Exit(lab.Main(os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
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
