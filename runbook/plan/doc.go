// Package plan turns a runbook, its values and an inventory into an immutable
// [Plan]: every section, step and host written out, with ids that carry every
// instance, and the digest that names what would run.
//
// It is pure and imports only runbook, runbook/inventory, checks and
// runbook/text. What isn't known yet (captures, the order of a walk) stands in
// the plan as its expression.
package plan
