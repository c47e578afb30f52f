package executor

import (
	"context"
	"fmt"
	"slices"
)

// Kept implements [Executor].
func (s *shell) Kept(ctx context.Context, host Host) ([]KeptRun, error) {
	if err := host.check(); err != nil {
		return nil, fmt.Errorf("list kept runs: %w", err)
	}
	p, err := s.program(ctx)
	if err != nil {
		return nil, fmt.Errorf("list kept runs: %w", err)
	}
	p.set("sg_run", "")
	p.set("sg_id", "")
	p.setHost(host)
	r, err := s.ask(ctx, p, false, "frame", "process", "identity", "attempt", "kept")
	if err != nil {
		return nil, fmt.Errorf("list kept runs: %w", err)
	}
	var kept []KeptRun
	for _, line := range r["run"] {
		k := KeptRun{}
		var kib int64
		if _, err := fmt.Sscanf(line, "%s %d %d", &k.ID, &k.Attempts, &kib); err != nil {
			return nil, fmt.Errorf("list kept runs: the host's answer %q isn't known: %w", line, err)
		}
		if k.Bytes = kib << 10; kib < 0 {
			k.Bytes = -1
		}
		kept = append(kept, k)
	}
	for _, id := range r["closed"] {
		kept = append(kept, KeptRun{ID: id, Closed: true})
	}
	// What can't be a run's name isn't ours: Discard wouldn't take it.
	return slices.DeleteFunc(kept, func(k KeptRun) bool { return !runID.MatchString(k.ID) }), nil
}

// Discard implements [Executor].
func (s *shell) Discard(ctx context.Context, host Host, run string) error {
	if err := host.check(); err != nil {
		return fmt.Errorf("discard run %q: %w", run, err)
	}
	if !runID.MatchString(run) {
		return fmt.Errorf("discard run %q: it can't name a directory", run)
	}
	p, err := s.program(ctx)
	if err != nil {
		return fmt.Errorf("discard run %q: %w", run, err)
	}
	p.set("sg_run", run)
	p.set("sg_id", "")
	p.setHost(host)
	if _, err := s.ask(ctx, p, false, "frame", "process", "identity", "attempt", "probe", "discard"); err != nil {
		return fmt.Errorf("discard run %q: %w", run, err)
	}
	return nil
}
