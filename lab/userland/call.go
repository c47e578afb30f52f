package userland

import (
	"fmt"
	"io"
	"time"

	"stepgate/lab/site"
)

// Call is one call of a simulated program on a host.
type Call struct {
	Site    *site.Site
	Host    *site.Host
	Version string // of the file on disk, where the program's name carries one, as openmldb@0.9.2
	Path    string // of the script that called; empty for a process that [Become] made
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
}

// Record keeps an act in the ledger, and says whether it may go on.
func (c *Call) Record(name string, args []string) bool {
	if err := c.Site.Record(c.Host.Name, name, args); err != nil {
		fmt.Fprintln(c.Stderr, err)
		return false
	}
	return true
}

// Sleep is a wait of the original, scaled.
func (c *Call) Sleep(d time.Duration) { time.Sleep(c.Site.Scaled(d)) }
