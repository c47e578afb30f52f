package main

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"stepgate/runbook/run"
	"stepgate/state"
)

// usualRuns is how many earlier runs of a runbook are looked at.
const usualRuns = 20

// usual is how long the steps of a run's runbook took in earlier runs. Nothing depends
// on it: without an answer there is none.
func usual(ctx context.Context, store *state.Store, s run.RunStarted) map[string]time.Duration {
	earlier, err := store.Earlier(ctx, usualRuns, func(other run.RunStarted) bool {
		same := stem(other.Runbook) == stem(s.Runbook) && (other.Dir == s.Dir || other.Title == s.Title)
		return same && (other.Lab == "") == (s.Lab == "")
	})
	if err != nil {
		return nil
	}
	return run.Usual(earlier)
}

// stem is a runbook's name without its directory and ending.
func stem(runbook string) string { return strings.TrimSuffix(filepath.Base(runbook), ".md") }
