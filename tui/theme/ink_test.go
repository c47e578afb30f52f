package theme

import (
	"image/color"
	"testing"

	"charm.land/lipgloss/v2"
)

// Whatever colours a program chooses, its text can be read, on a dark background and
// on a light one; without colours it has none.
func TestInkCanBeRead(t *testing.T) {
	t.Parallel()
	hues := []Hue{0}
	for n := range 256 {
		hues = append(hues, Indexed(uint8(n)))
	}
	hues = append(hues, Exact(1, 2, 3), Exact(250, 250, 255), Exact(128, 128, 128))
	for _, light := range []bool{false, true} {
		th := New(Options{Light: light})
		paper := color.RGBA{0x10, 0x10, 0x14, 0xff}
		if light {
			paper = color.RGBA{0xff, 0xff, 0xff, 0xff}
		}
		for i, fore := range hues {
			for _, back := range []Hue{0, hues[(i*7+3)%len(hues)], fore} {
				for _, reversed := range []bool{false, true} {
					s := th.Ink(th.Text, Ink{Fore: fore, Back: back, Reversed: reversed})
					f, hasFore := rgb(s.GetForeground())
					b, hasBack := rgb(s.GetBackground())
					if !hasBack {
						b = paper
					}
					if hasBack && !hasFore {
						t.Fatalf("light %v, %x on %x, reversed %v: a background without a colour for the text", light, fore, back, reversed)
					}
					if hasFore && contrast(f, b) < least {
						t.Fatalf("light %v, %x on %x, reversed %v: a contrast of %.1f", light, fore, back, reversed, contrast(f, b))
					}
				}
			}
		}
	}
	s := New(Options{NoColor: true}).Ink(lipgloss.NewStyle(), Ink{Fore: Indexed(1), Back: Indexed(2), Bold: true})
	if _, hasFore := rgb(s.GetForeground()); hasFore || !s.GetBold() {
		t.Error("without colours the text has one, or isn't bold")
	}
}

func rgb(c color.Color) (color.RGBA, bool) {
	if _, none := c.(lipgloss.NoColor); none || c == nil {
		return color.RGBA{}, false
	}
	r, g, b, _ := c.RGBA()
	return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 0xff}, true
}
