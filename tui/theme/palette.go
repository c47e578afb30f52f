package theme

import (
	"image/color"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// palette is one set of colours. A colour that is nil is that of ordinary text.
type palette struct {
	strong, muted, faint, accent, key, code, good, bad, unsure, live, gate, border color.Color
}

// paletteOf chooses the colours. Of the 16 that are the terminal's own, only those are
// taken that can be read on its background whatever it makes of them.
func paletteOf(o Options) palette {
	switch {
	case o.NoColor:
		return palette{}
	case o.Basic && o.Light:
		return basicLight
	case o.Basic:
		return basicDark
	case o.Light:
		return light
	}
	return dark
}

var dark = palette{
	strong: lipgloss.Color("#F2F2F2"), muted: lipgloss.Color("#A6ADBB"), faint: lipgloss.Color("#858D9D"),
	accent: lipgloss.Color("#7AA2F7"), key: lipgloss.Color("#C0CAF5"), code: lipgloss.Color("#E0C48C"),
	good: lipgloss.Color("#73C991"), bad: lipgloss.Color("#F7768E"), unsure: lipgloss.Color("#D79BFF"),
	live: lipgloss.Color("#5CC8E8"), gate: lipgloss.Color("#F0B45B"), border: lipgloss.Color("#666F82"),
}

var light = palette{
	strong: lipgloss.Color("#16181D"), muted: lipgloss.Color("#4C5566"), faint: lipgloss.Color("#626A7A"),
	accent: lipgloss.Color("#1F4FB8"), key: lipgloss.Color("#22356B"), code: lipgloss.Color("#6A4B00"),
	good: lipgloss.Color("#1B7A3D"), bad: lipgloss.Color("#B3142F"), unsure: lipgloss.Color("#7A2DB0"),
	live: lipgloss.Color("#00708F"), gate: lipgloss.Color("#8A5300"), border: lipgloss.Color("#7D889B"),
}

var basicDark = palette{
	strong: ansi.BrightWhite, muted: ansi.White, faint: ansi.White, accent: ansi.BrightCyan, key: ansi.BrightWhite,
	code: ansi.BrightCyan, good: ansi.BrightGreen, bad: ansi.BrightRed, unsure: ansi.BrightMagenta,
	live: ansi.BrightCyan, gate: ansi.BrightYellow, border: ansi.White,
}

// Green, yellow and cyan can't be read on white in most terminals.
var basicLight = palette{accent: ansi.Blue, key: ansi.Blue, bad: ansi.Red, unsure: ansi.Magenta, live: ansi.Blue, gate: ansi.Blue}
