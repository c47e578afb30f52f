package dolphindb

import (
	"context"
	"fmt"
	"io"

	"stepgate/lab/site"
)

// Faults are all that can go wrong.
func (System) Faults() []site.FaultKind { return faults }

// Open begins the life of a lab's clusters.
func (System) Open(*site.Site) (site.Life, error) { return &life{}, nil }

type life struct{}

// Serve is the truth about the cluster.
func (*life) Serve(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Boot starts what ran before.
func (*life) Boot(context.Context, func(*site.Host) []string) error { return nil }

// Wait returns when all that Boot started has ended.
func (*life) Wait() {}

// Run runs a program of a machine.
func (System) Run(_ *site.Site, _ *site.Host, name, _ string, _ []string, _ io.Reader, _, stderr io.Writer) int {
	fmt.Fprintf(stderr, "%s: no such program in the lab\n", name)
	return 127
}
