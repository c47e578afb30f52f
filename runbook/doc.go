// Package runbook is the runbook language: it turns the bytes of a Markdown
// file into a [Runbook], or into diagnostics with places and remedies.
//
// It is pure: bytes in, values out. It imports checks (for expressions),
// runbook/attrs, runbook/conf and runbook/text, and nothing of the machine: no
// files, processes, network, clock or screen.
//
// A parse has two passes. The first turns the Markdown's blocks into an outline
// of headings, items, prose, alerts and fences, each with its place and its
// attributes. The second walks the outline in the order in which things would
// run, hands down what is inherited, keeps track of the names that have values,
// compiles expressions, and builds the model. vocabulary.go holds the words of
// the language and where each may stand. What a runbook that parses does wrong is
// judged by package runbook/lint.
//
// A runbook is the closure of the files it includes. What they share is in
// closure.go; each part is read anew wherever it stands, since it sees other
// names there. What is parsed and can't be run yet is in [Runbook.Later].
//
// The invariant: nothing invalid becomes a model value, and nothing that was
// written is ignored. Whoever holds a Runbook from a [Parse] without errors may
// plan it; a run also wants no error of package runbook/lint.
package runbook
