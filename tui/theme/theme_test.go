package theme

import (
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Every status has its own glyph, one cell wide, without emoji presentation.
func TestMarks(t *testing.T) {
	t.Parallel()
	for _, g := range []Glyphs{plainGlyphs(), asciiGlyphs()} {
		seen := map[string]Mark{}
		for m := Pending; m < markCount; m++ {
			s := g.Mark(m)
			if ansi.StringWidth(s) != 1 || ansi.StringWidthWc(s) != 1 {
				t.Errorf("glyph %q of mark %d isn't one cell wide", s, m)
			}
			if other, ok := seen[s]; ok && !(other == Ready && m == Running) {
				t.Errorf("marks %d and %d have the same glyph %q", other, m, s)
			}
			seen[s] = m
		}
	}
}

func plainGlyphs() Glyphs { return New(Options{}).Glyph }
func asciiGlyphs() Glyphs { return New(Options{ASCII: true}).Glyph }

func TestASCIIGlyphsAreASCII(t *testing.T) {
	t.Parallel()
	g := asciiGlyphs()
	all := []string{
		g.Open, g.Closed, g.Cursor, g.Dot, g.Dash, g.Ellipsis, g.Bullet, g.Quote, g.Full, g.Empty, g.Journal,
		g.Enter, g.Up, g.Down, g.Rule, g.Side, g.TopLeft, g.TopRight, g.BottomLeft, g.BottomRight,
	}
	all = append(all, g.Spinner...)
	for m := Pending; m < markCount; m++ {
		all = append(all, g.Mark(m))
	}
	for _, s := range all {
		for _, r := range s {
			if r > 0x7e {
				t.Errorf("%q isn't ASCII", s)
			}
		}
		if s == "" {
			t.Error("a glyph is missing")
		}
	}
}

// Without colours the styles still set failures apart, by weight.
func TestNoColor(t *testing.T) {
	t.Parallel()
	th := New(Options{NoColor: true})
	for _, s := range []lipgloss.Style{th.Text, th.Good, th.Bad, th.Gate, th.Code, th.Border, th.Accent} {
		if _, none := s.GetForeground().(lipgloss.NoColor); !none {
			t.Errorf("style has the colour %v", s.GetForeground())
		}
	}
	if !th.Bad.GetBold() || th.Text.GetBold() {
		t.Error("a failure looks like ordinary text")
	}
}

func TestLightAndDarkDiffer(t *testing.T) {
	t.Parallel()
	d, l := New(Options{}), New(Options{Light: true})
	if d.Bad.GetForeground() == l.Bad.GetForeground() || d.Muted.GetForeground() == l.Muted.GetForeground() {
		t.Error("the light theme has the dark one's colours")
	}
}
