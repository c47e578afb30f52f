package report

import "stepgate/runbook/run"

// Standing is the cell a run stands at, nil if none, and what it waits for there.
func Standing(r *run.Run) (*run.Cell, run.Wait) { return standing(r) }
