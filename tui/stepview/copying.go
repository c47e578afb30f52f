package stepview

import (
	"strings"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// copying draws how far a copy is, what is left, and the file that is being sent.
func (b *body) copying() {
	a := b.busy()
	if a == nil || a.What != run.Copying || a.Total == 0 {
		return
	}
	left := " " + text.Bytes(a.Total-a.Done) + " left"
	if took := b.Now.Sub(a.Since); a.Done > 0 && a.Done < a.Total && took > 0 && a.File != "" {
		left += ", " + text.Bytes(int64(float64(a.Done)/took.Seconds())) + "/s"
	}
	width := min(40, b.w-len(left))
	if width > 4 {
		full := width * wording.Percent(a) / 100
		g := b.Theme.Glyph
		bar := b.Theme.Style(theme.Running).Render(strings.Repeat(g.Full, full)) + b.Theme.Muted.Render(strings.Repeat(g.Empty, width-full))
		b.add(bar + b.Theme.Muted.Render(left))
	} else {
		b.add(strings.TrimSpace(left))
	}
	if a.File != "" {
		b.add(b.Theme.Muted.Render(wording.Line(a.File)))
	}
}
