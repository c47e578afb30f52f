package theme

import (
	"image/color"
	"math"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Ink is how a program wants its own text to look. The zero value asks for nothing.
type Ink struct {
	Fore, Back                                       Hue
	Bold, Faint, Italic, Underline, Struck, Reversed bool
}

// Hue is a colour that a program asks for; the zero value is none.
type Hue uint32

const (
	indexed Hue = 1 << 24
	exact   Hue = 2 << 24
)

// Indexed is one of the 256 colours of terminals, the first 16 of which have names.
func Indexed(n uint8) Hue { return indexed | Hue(n) }

// Exact is a colour by its red, green and blue.
func Exact(r, g, b uint8) Hue { return exact | Hue(r)<<16 | Hue(g)<<8 | Hue(b) }

// least is the contrast below which text counts as hard to read, as WCAG 2.1 has
// it for large text.
const least = 3.0

// Ink returns the style for a program's own text over base: with its colours, as
// far as they can be read on this background, and without where none are wanted.
func (t *Theme) Ink(base lipgloss.Style, k Ink) lipgloss.Style {
	s := base.Bold(k.Bold || base.GetBold()).Faint(k.Faint && !k.Bold).Italic(k.Italic).
		Underline(k.Underline).Strikethrough(k.Struck)
	if t.plain {
		return s.Reverse(k.Reversed)
	}
	paper := color.RGBA{0x10, 0x10, 0x14, 0xff}
	if t.light {
		paper = color.RGBA{0xff, 0xff, 0xff, 0xff}
	}
	fore, hasFore := k.Fore.rgb()
	back, hasBack := k.Back.rgb()
	switch {
	case k.Reversed && hasFore && hasBack:
		fore, back = back, fore
	case k.Reversed && hasFore:
		fore, hasFore, back, hasBack = color.RGBA{}, false, fore, true
	case k.Reversed && hasBack:
		fore, hasFore, hasBack = back, true, false
	case k.Reversed:
		return s.Reverse(true)
	}
	if hasBack {
		if s = s.Background(back); !hasFore || contrast(fore, back) < least {
			fore = readable(back)
		}
		return s.Foreground(fore)
	}
	if hasFore {
		s = s.Foreground(shifted(fore, paper))
	}
	return s
}

// rgb is the colour as most terminals have it.
func (h Hue) rgb() (color.RGBA, bool) {
	switch h &^ 0xffffff {
	case indexed:
		r, g, b, _ := ansi.IndexedColor(uint8(h)).RGBA()
		return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 0xff}, true
	case exact:
		return color.RGBA{uint8(h >> 16), uint8(h >> 8), uint8(h), 0xff}, true
	}
	return color.RGBA{}, false
}

// shifted moves a colour towards black or white until it can be read on paper.
func shifted(c, paper color.RGBA) color.RGBA {
	to := readable(paper)
	for step := 1; contrast(c, paper) < least && step <= 10; step++ {
		mix := func(a, b uint8) uint8 { return uint8((int(a)*(10-step) + int(b)*step) / 10) }
		c = color.RGBA{mix(c.R, to.R), mix(c.G, to.G), mix(c.B, to.B), 0xff}
	}
	return c
}

// readable is black or white, whichever can be read better on a colour.
func readable(on color.RGBA) color.RGBA {
	black, white := color.RGBA{A: 0xff}, color.RGBA{0xff, 0xff, 0xff, 0xff}
	if contrast(black, on) > contrast(white, on) {
		return black
	}
	return white
}

// contrast is the ratio of two colours' luminance, from 1 to 21 (WCAG 2.1).
func contrast(a, b color.RGBA) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(c color.RGBA) float64 {
	linear := func(v uint8) float64 {
		x := float64(v) / 255
		if x <= 0.03928 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}
