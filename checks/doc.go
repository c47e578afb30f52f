// Package checks gives verdicts: it compiles the lines of expect and capture
// fences and the expressions of attributes, and evaluates them on what one try
// of a command showed.
//
// It is pure. It touches no file, process, network or clock, and of the project
// it imports runbook/text at most. Expressions are parsed, type-checked and
// executed by expr-lang; this package decides what they may name and what
// counts as an answer.
//
// The invariant: a verdict is Pass only if every operand was really there and
// of a comparable kind. A missing column, key, match, value or header, a
// comparison of text with a number, an expression that costs too much: each is
// Unknown with its cause, and Unknown never passes. What a row says it saw is
// read from the same observation as its verdict.
//
// Two values that a line compares and that differ are also told as a unified
// difference ([Row]), where they are too long to be read beside each other.
//
// Optional data is said to be optional in the expression: "a?.b" allows a and b
// to be missing, "a.b ?? d" allows b to be missing.
package checks
