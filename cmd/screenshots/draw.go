package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/color"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
)

// A cell of the picture, in pixels, and where its text stands.
const (
	cellWidth  = 9
	cellHeight = 17
	baseline   = 13
	margin     = 12
)

// The terminal that is drawn.
const (
	background = "#16181D"
	foreground = "#D7DAE0"
	fonts      = `'DejaVu Sans Mono','Noto Sans Mono CJK SC',Menlo,Consolas,monospace`
)

// draw draws a frame of w by h cells as SVG. Each run of text is as wide as its
// cells, whatever the font, so that columns line up behind wide characters too.
func draw(frame []byte, w, h int) []byte {
	screen := vt.NewEmulator(w, h)
	// The frame has no queries in it: nothing is answered, and writing can't block.
	_, _ = screen.Write(bytes.ReplaceAll(bytes.TrimRight(frame, "\n"), []byte("\n"), []byte("\r\n")))
	var b bytes.Buffer
	pw, ph := w*cellWidth+2*margin, h*cellHeight+2*margin
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`+"\n", pw, ph, pw, ph)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", background)
	fmt.Fprintf(&b, `<g font-family="%s" font-size="15" xml:space="preserve">`+"\n", fonts)
	for y := range h {
		for x := 0; x < w; {
			x = runAt(&b, screen, x, y, w)
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes()
}

// runAt draws the cells from x on that look alike, and returns where the next begin.
// A cell that isn't ASCII stands alone: fonts draw such characters in widths of
// their own.
func runAt(b *bytes.Buffer, screen *vt.Emulator, x, y, w int) int {
	first := screen.CellAt(x, y)
	style, text, end := first.Style, content(first), x+max(first.Width, 1)
	for end < w && ascii(text) {
		c := screen.CellAt(end, y)
		if c.Style != style || !ascii(content(c)) {
			break
		}
		text += content(c)
		end += max(c.Width, 1)
	}
	px, py := margin+x*cellWidth, margin+y*cellHeight
	fg, bg := colours(style)
	if bg != "" {
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`+"\n", px, py, (end-x)*cellWidth, cellHeight, bg)
	}
	if strings.TrimSpace(text) == "" {
		return end
	}
	lead := len(text) - len(strings.TrimLeft(text, " "))
	shown := strings.TrimRight(text[lead:], " ")
	cells := end - x
	if ascii(text) {
		cells = len(shown)
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" textLength="%d" lengthAdjust="spacingAndGlyphs" fill="%s"%s>`,
		px+lead*cellWidth, py+baseline, cells*cellWidth, fg, weight(style))
	_ = xml.EscapeText(b, []byte(shown)) // a buffer takes all
	b.WriteString("</text>\n")
	return end
}

func content(c *uv.Cell) string {
	if c.Content == "" {
		return " "
	}
	return c.Content
}

func ascii(s string) bool {
	for _, r := range s {
		if r > '~' {
			return false
		}
	}
	return true
}

// colours are the text's and what is behind it; that is empty where it is the
// terminal's own.
func colours(s uv.Style) (fg, bg string) {
	fg = foreground
	if s.Fg != nil {
		fg = hex(s.Fg)
	}
	if s.Bg != nil {
		bg = hex(s.Bg)
	}
	if s.Attrs&uv.AttrReverse != 0 {
		if fg, bg = bg, fg; fg == "" {
			fg = background
		}
	}
	return fg, bg
}

func hex(c color.Color) string {
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02X%02X%02X", r>>8, g>>8, b>>8)
}

func weight(s uv.Style) string {
	out := ""
	if s.Attrs&uv.AttrBold != 0 {
		out += ` font-weight="bold"`
	}
	if s.Attrs&uv.AttrFaint != 0 {
		out += ` opacity="0.7"`
	}
	if s.Underline != uv.UnderlineNone {
		out += ` text-decoration="underline"`
	}
	return out
}
