package wording

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Marks of what can't be seen otherwise in text that is run.
const (
	tabMark   = "→"
	blankMark = "·"
	tabWidth  = 8
)

// Exact returns the lines of text that is run, so that each byte can be seen:
// tabs and blanks at a line's end are marked, empty lines stay, and everything
// else is as [Line] shows it. Only the end of the last line is left out.
func Exact(s string) []string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for i, l := range lines {
		l = visible(l)
		end := len(strings.TrimRight(l, " \t"))
		var b strings.Builder
		col := 0
		for part := range strings.SplitAfterSeq(l, "\t") {
			words, tab := strings.CutSuffix(part, "\t")
			keep := min(max(end, 0), len(words))
			shown := Line(words[:keep]) + strings.Repeat(blankMark, len(words)-keep)
			b.WriteString(shown)
			col += ansi.StringWidth(shown)
			end -= len(part)
			if tab {
				n := tabWidth - col%tabWidth
				b.WriteString(tabMark + strings.Repeat(" ", n-1))
				col += n
			}
		}
		lines[i] = b.String()
	}
	return lines
}

// visible shows every character that a reader can't see as a token.
func visible(s string) string {
	if at, _ := text.FindHidden(s); at < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if text.Hidden(r) {
			b.WriteString(text.Token(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Fingerprint says how much runs, prelude and all, and what its bytes hash to.
func Fingerprint(d *run.Dispatch) string {
	all := d.Prefix + d.Body + d.Text
	n := len(Exact(all))
	lines := fmt.Sprintf("%d lines", n)
	if n == 1 {
		lines = "1 line"
	}
	sum := sha256.Sum256([]byte(all))
	return fmt.Sprintf("%s, %d bytes, SHA-256 %s…", lines, len(all), hex.EncodeToString(sum[:8]))
}
