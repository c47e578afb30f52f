// Package runbooks holds the runbooks that are shipped, embedded. It is data:
// only the command line imports it.
package runbooks

import "embed"

// FS holds one Markdown file per procedure, and in parts what procedures include.
//
//go:embed *.md parts/*.md
var FS embed.FS
