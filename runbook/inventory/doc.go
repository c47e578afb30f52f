// Package inventory reads which hosts there are, how to reach them, and the
// groups and variables they have.
//
// It reads TOML and Ansible's INI form.
// It owns the inventory's forms and none of what a runbook asks of it. It is
// pure, text in, values out, and imports of the project only runbook (for
// diagnostics), runbook/conf, runbook/text and checks (for reserved names).
//
// The invariant: in an [Inventory] from a [Parse] without errors every member of
// a group is a host, no name is both, and order is that of the file.
package inventory
