package output

import (
	"bytes"

	"stepgate/runbook/text"
)

// compare finds out whether a stream is a unified difference. One of which more is to
// come than is counted stays as it is.
func (p *Pane) compare() {
	all := p.complete() && len(p.w.rows) <= counted
	for stream := range 2 {
		var rows []*row
		var lines []string
		hunk := false
		for _, r := range p.w.rows {
			if r.stream == stream && (all || r.differs) {
				rows = append(rows, r)
				hunk = hunk || bytes.HasPrefix(r.bytes(), []byte("@@ -"))
			}
		}
		if hunk && all {
			lines = make([]string, len(rows))
			for i, r := range rows {
				lines[i] = string(r.bytes())
			}
			if n := len(lines) - 1; lines[n] == "" { // the line that has yet to come
				lines = lines[:n]
			}
		}
		kinds := text.Changes(lines)
		for i, r := range rows {
			if r.differs = i < len(kinds); r.differs {
				r.change = kinds[i]
			}
		}
	}
}
