package dolphindb

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"stepgate/lab/site"
)

// runDF is df: the real one, which on a machine with disk=full tells that nothing is
// free.
func runDF(p *program, args []string) int {
	real := ""
	for _, dir := range filepath.SplitList(site.SystemPath) {
		if path, err := exec.LookPath(filepath.Join(dir, "df")); err == nil {
			real = path
			break
		}
	}
	if real == "" {
		fmt.Fprintln(p.Stderr, "df: this machine has none")
		return 127
	}
	var out bytes.Buffer
	cmd := exec.Command(real, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Stdin, &out, p.Stderr
	err := cmd.Run()
	text := out.String()
	if p.Site.Fault(p.Host.Name, "disk") == "full" {
		text = nothingFree(text)
	}
	fmt.Fprint(p.Stdout, text)
	return p.exitCode(err, 126)
}

// nothingFree puts 0 where df tells what is available, and 100% where it tells how
// much is used.
func nothingFree(text string) string {
	var out strings.Builder
	available := -1
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if available < 0 {
			for i, w := range words {
				if w == "Available" || w == "Avail" {
					available = i
				}
			}
			out.WriteString(line)
			continue
		}
		if available < len(words) {
			words[available] = "0"
		}
		for i, w := range words {
			if strings.HasSuffix(w, "%") {
				words[i] = "100%"
			}
		}
		out.WriteString(strings.Join(words, " ") + "\n")
	}
	return out.String()
}
