package engine_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"stepgate/engine"
	"stepgate/runbook/run"
)

var errBroken = errors.New("input/output error")

// brokenJournal is a journal that ends. Once it has, every write fails.
type brokenJournal struct {
	engine.Journal
	mu      sync.Mutex
	left    int  // writes until the end; negative: no end
	durable bool // the write at the end is there, and nobody hears of it
	output  bool // output can't be kept
	dead    bool
	acked   []run.Record
}

// spend reports whether a write is lost, and whether it's made nevertheless.
func (j *brokenJournal) spend() (lost, made bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.dead {
		return true, false
	}
	if j.left--; j.left == -1 {
		j.dead = true
		return true, j.durable
	}
	return false, true
}

func (j *brokenJournal) Append(ctx context.Context, l engine.Lease, actor string, at time.Time, events ...run.Event) ([]run.Record, error) {
	lost, made := j.spend()
	if !made {
		return nil, errBroken
	}
	recs, err := j.Journal.Append(ctx, l, actor, at, events...)
	if lost {
		return nil, errBroken
	}
	if err == nil {
		j.mu.Lock()
		j.acked = append(j.acked, recs...)
		j.mu.Unlock()
	}
	return recs, err
}

func (j *brokenJournal) AppendOutput(ctx context.Context, chunks ...engine.Chunk) error {
	j.mu.Lock()
	bad := j.dead || j.output
	j.mu.Unlock()
	if bad {
		return errBroken
	}
	return j.Journal.AppendOutput(ctx, chunks...)
}
