package site

import "context"

// Life is a simulated system while its lab process runs.
type Life interface {
	// Serve is the system's truth, which its programs ask, until ctx ends or it
	// can't go on.
	Serve(ctx context.Context) error
	// Boot does what the hosts' init does, and returns when what it started is
	// there or has ended; environ gives a host's environment. A program that
	// doesn't start is no error. It is called once, with Serve running.
	Boot(ctx context.Context, environ func(*Host) []string) error
	// Wait returns when all processes that Boot started have ended.
	Wait()
}
