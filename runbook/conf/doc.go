// Package conf reads TOML with what a diagnostic needs: the order in which keys
// were written, and the line and column of each.
//
// It owns no schema; its callers say which keys there are. It is pure and
// imports no sibling.
//
// The invariant: every key of the decoded document is an [Entry], in the order
// of the file.
package conf
