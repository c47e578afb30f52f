package theme

import (
	"fmt"
	"image/color"
	"math"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

// brightness and ratio are luminance and contrast as WCAG 2.1 has them.
func brightness(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	part := func(v uint32) float64 {
		f := float64(v) / 0xffff
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*part(r) + 0.7152*part(g) + 0.0722*part(b)
}

func ratio(a, b color.Color) float64 {
	x, y := brightness(a), brightness(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// tokens are the colours of a palette, by name.
func tokens(p palette) map[string]color.Color {
	return map[string]color.Color{
		"strong": p.strong, "muted": p.muted, "faint": p.faint, "accent": p.accent, "key": p.key, "code": p.code, "good": p.good,
		"bad": p.bad, "unsure": p.unsure, "live": p.live, "gate": p.gate, "border": p.border,
	}
}

func needed(name string) float64 {
	if name == "border" {
		return 3
	}
	return 4.5
}

// Text can be read on black and on white, and on the greys that terminals call so;
// also where the terminal has 256 colours.
func TestContrast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		p     palette
		grays []string
	}{
		{"dark", dark, []string{"#000000", "#1E1E1E"}},
		{"light", light, []string{"#FFFFFF", "#FDF6E3"}},
	} {
		for name, col := range tokens(c.p) {
			for _, bg := range c.grays {
				if got := ratio(col, lipgloss.Color(bg)); got < needed(name) {
					t.Errorf("%s %s on %s has a contrast of %.2f, %.1f is needed", c.name, name, bg, got, needed(name))
				}
			}
			if got := ratio(colorprofile.ANSI256.Convert(col), lipgloss.Color(c.grays[0])); got < needed(name) {
				t.Errorf("%s %s in 256 colours has a contrast of %.2f, %.1f is needed", c.name, name, got, needed(name))
			}
		}
	}
}

// What terminals make of the 16 colours: xterm, the console of Linux, GNOME.
var makes = map[string][16]string{
	"xterm": {
		"#000000", "#CD0000", "#00CD00", "#CDCD00", "#0000EE", "#CD00CD", "#00CDCD", "#E5E5E5",
		"#7F7F7F", "#FF0000", "#00FF00", "#FFFF00", "#5C5CFF", "#FF00FF", "#00FFFF", "#FFFFFF",
	},
	"console": {
		"#000000", "#AA0000", "#00AA00", "#AA5500", "#0000AA", "#AA00AA", "#00AAAA", "#AAAAAA",
		"#555555", "#FF5555", "#55FF55", "#FFFF55", "#5555FF", "#FF55FF", "#55FFFF", "#FFFFFF",
	},
	"GNOME": {
		"#171421", "#C01C28", "#26A269", "#A2734C", "#12488B", "#A347BA", "#2AA1B3", "#D0CFCC",
		"#5E5C64", "#F66151", "#33D17A", "#E9AD0C", "#2A7BDE", "#C061CB", "#33C7DE", "#FFFFFF",
	},
}

func TestContrastInSixteenColours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p  palette
		bg string
	}{{basicDark, "#000000"}, {basicLight, "#FFFFFF"}} {
		for name, col := range tokens(c.p) {
			basic, ok := col.(ansi.BasicColor)
			if col == nil {
				continue
			}
			if !ok {
				t.Fatalf("%s isn't one of the 16", name)
			}
			for terminal, made := range makes {
				if got := ratio(lipgloss.Color(made[basic]), lipgloss.Color(c.bg)); got < 4.3 {
					t.Errorf("in %s, %s on %s has a contrast of %.2f", terminal, name, c.bg, got)
				}
			}
		}
	}
}

// Good, bad, unknown and a gate differ wherever there are colours at all.
func TestStatusesHaveColoursOfTheirOwn(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]palette{"dark": dark, "light": light, "16, dark": basicDark, "16, light": basicLight} {
		for _, profile := range []colorprofile.Profile{colorprofile.TrueColor, colorprofile.ANSI256} {
			seen := map[string]string{}
			for token, col := range map[string]color.Color{"good": p.good, "bad": p.bad, "unsure": p.unsure, "gate": p.gate} {
				key := "ordinary text"
				if col != nil {
					key = fmt.Sprint(profile.Convert(col))
				}
				if other, ok := seen[key]; ok {
					t.Errorf("%s, %s: %s and %s look alike", name, profile, token, other)
				}
				seen[key] = token
			}
		}
	}
}
