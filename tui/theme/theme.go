package theme

import (
	"image/color"

	"charm.land/lipgloss/v2"
)

// Options say what the terminal can show.
type Options struct {
	Light   bool // the background is light; dark is assumed until the terminal answers
	NoColor bool // NO_COLOR is set: weight and glyphs only
	ASCII   bool // the locale isn't UTF-8, or the operator asked for it
}

// Theme is what screens are drawn with.
type Theme struct {
	Glyph Glyphs

	Text     lipgloss.Style // ordinary text
	Strong   lipgloss.Style // titles, the thing that matters in a line
	Muted    lipgloss.Style // labels, values that explain
	Faint    lipgloss.Style // what may be overlooked
	Accent   lipgloss.Style // the name of the program, headings
	Key      lipgloss.Style // a key to press
	Code     lipgloss.Style // bytes that run
	Good     lipgloss.Style
	Bad      lipgloss.Style
	Unsure   lipgloss.Style // unknown: neither good nor bad
	Live     lipgloss.Style // something is moving
	Gate     lipgloss.Style // a person must open it
	Caution  lipgloss.Style // can't be undone
	Warning  lipgloss.Style
	Selected lipgloss.Style // the line under the operator's cursor
	Border   lipgloss.Style
	Focus    lipgloss.Style // border of the pane that has the keys

	marks [markCount]lipgloss.Style
}

// New builds the theme.
func New(o Options) *Theme {
	p := dark
	if o.Light {
		p = light
	}
	t := &Theme{Glyph: unicode}
	if o.ASCII {
		t.Glyph = ascii
	}
	fg := func(c color.Color) lipgloss.Style {
		if o.NoColor {
			return lipgloss.NewStyle()
		}
		return lipgloss.NewStyle().Foreground(c)
	}
	t.Text = lipgloss.NewStyle()
	t.Strong = fg(p.strong).Bold(true)
	t.Muted = fg(p.muted)
	t.Faint = fg(p.faint)
	t.Accent = fg(p.accent).Bold(true)
	t.Key = fg(p.key).Bold(true)
	t.Code = fg(p.code)
	t.Good = fg(p.good)
	t.Bad = fg(p.bad).Bold(true)
	t.Unsure = fg(p.unsure).Bold(true)
	t.Live = fg(p.live)
	t.Gate = fg(p.gate)
	t.Caution = fg(p.bad).Bold(true)
	t.Warning = fg(p.gate)
	t.Selected = lipgloss.NewStyle().Reverse(true)
	t.Border = fg(p.border)
	t.Focus = fg(p.accent)
	t.marks = [markCount]lipgloss.Style{
		Pending: t.Faint, Gate: t.Gate, Running: t.Live.Bold(true), Done: t.Good, Failed: t.Bad,
		Unknown: t.Unsure, Skipped: t.Muted, NotApplicable: t.Faint, Undone: t.Unsure, Ready: t.Strong,
		Excluded: t.Muted,
	}
	return t
}

// palette is one set of colours.
type palette struct {
	strong, muted, faint, accent, key, code, good, bad, unsure, live, gate, border color.Color
}

var dark = palette{
	strong: lipgloss.Color("#F2F2F2"), muted: lipgloss.Color("#A6ADBB"), faint: lipgloss.Color("#7C8494"),
	accent: lipgloss.Color("#7AA2F7"), key: lipgloss.Color("#C0CAF5"), code: lipgloss.Color("#E0C48C"),
	good: lipgloss.Color("#73C991"), bad: lipgloss.Color("#F7768E"), unsure: lipgloss.Color("#D79BFF"),
	live: lipgloss.Color("#5CC8E8"), gate: lipgloss.Color("#F0B45B"), border: lipgloss.Color("#565F73"),
}

var light = palette{
	strong: lipgloss.Color("#16181D"), muted: lipgloss.Color("#4C5566"), faint: lipgloss.Color("#6B7384"),
	accent: lipgloss.Color("#1F4FB8"), key: lipgloss.Color("#22356B"), code: lipgloss.Color("#6A4B00"),
	good: lipgloss.Color("#1B7A3D"), bad: lipgloss.Color("#B3142F"), unsure: lipgloss.Color("#7A2DB0"),
	live: lipgloss.Color("#00708F"), gate: lipgloss.Color("#8A5300"), border: lipgloss.Color("#9AA3B2"),
}
