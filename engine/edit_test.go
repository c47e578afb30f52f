package engine_test

import (
	"testing"

	"stepgate/checks"
	"stepgate/runbook"
)

// stepOf finds the step of an id in a parsed book.
func stepOf(rb *runbook.Runbook, id string) *runbook.Step {
	var found *runbook.Step
	visit(rb.Root, func(it runbook.Item) {
		if s, ok := it.(*runbook.Step); ok && s.ID == id {
			found = s
		}
	})
	return found
}

func sectionOf(rb *runbook.Runbook, id string) *runbook.Section {
	var found *runbook.Section
	visit(rb.Root, func(it runbook.Item) {
		if s, ok := it.(*runbook.Section); ok && s.ID == id {
			found = s
		}
	})
	return found
}

func visit(it runbook.Item, f func(runbook.Item)) {
	f(it)
	if s, ok := it.(*runbook.Section); ok {
		for _, c := range s.Items {
			visit(c, f)
		}
	}
}

// walking changes how a section is walked.
func walking(id string, change func(*runbook.Each)) func(*runbook.Runbook) {
	return func(rb *runbook.Runbook) { change(sectionOf(rb, id).Each) }
}

// commanding changes a step's command.
func commanding(id string, change func(*runbook.Fence)) func(*runbook.Runbook) {
	return func(rb *runbook.Runbook) { change(stepOf(rb, id).Command) }
}

// value compiles an expression over variables.
func value(t *testing.T, src string, names checks.Names) *runbook.Expr {
	t.Helper()
	v, problems := checks.CompileValue(src, names, checks.Any)
	if problems != nil {
		t.Fatalf("compile %q: %v", src, problems)
	}
	return &runbook.Expr{Text: src, Value: v}
}
