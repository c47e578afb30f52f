package theme

import (
	"image/color"

	"charm.land/lipgloss/v2"
)

// Options say what the terminal can show.
type Options struct {
	Light   bool // the background is light; dark is assumed until the terminal answers
	Fixed   bool // Light is the operator's word: the terminal isn't asked
	NoColor bool // NO_COLOR is set: weight and glyphs only
	ASCII   bool // the locale isn't UTF-8, or the operator asked for it
	Basic   bool // the terminal has 16 colours, which are its own
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

	marks               [markCount]lipgloss.Style
	plain, light, ascii bool // of the options
}

// New builds the theme.
func New(o Options) *Theme {
	p := paletteOf(o)
	t := &Theme{Glyph: unicode, ascii: o.ASCII, plain: o.NoColor, light: o.Light}
	if o.ASCII {
		t.Glyph = ascii
	}
	fg := func(c color.Color) lipgloss.Style {
		if c == nil {
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
	t.Unsure = fg(p.unsure).Bold(true).Underline(o.NoColor)
	t.Live = fg(p.live)
	t.Gate = fg(p.gate).Bold(o.NoColor)
	t.Caution = fg(p.bad).Bold(true)
	t.Warning = fg(p.gate)
	t.Selected = lipgloss.NewStyle().Reverse(true)
	t.Border = fg(p.border)
	t.Focus = fg(p.accent).Bold(o.NoColor)
	t.marks = [markCount]lipgloss.Style{
		Pending: t.Faint, Gate: t.Gate, Running: t.Live.Bold(true), Done: t.Good, Failed: t.Bad,
		Unknown: t.Unsure, Skipped: t.Muted, NotApplicable: t.Faint, Undone: t.Unsure, Ready: t.Strong,
		Excluded: t.Muted,
	}
	return t
}
