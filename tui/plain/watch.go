package plain

import (
	"context"
	"io"

	"stepgate/runbook/run"
	"stepgate/tui"
)

// Teller tells what happens in a run that somebody else drives, in the lines of a
// run that is driven.
type Teller struct{ p *printer }

// NewTeller tells on out what snapshots show, and the output of src.
func NewTeller(out io.Writer, src tui.Source) *Teller { return &Teller{newPrinter(out, src)} }

// Known takes what lies behind a snapshot as told.
func (t *Teller) Known(s *run.Snapshot) { t.p.known(s) }

// Tell writes what is new in a snapshot, and the output that has come since.
func (t *Teller) Tell(ctx context.Context, s *run.Snapshot) error { return t.p.tell(ctx, s) }
