package pane

import (
	"strconv"

	"stepgate/tui/theme"
)

// Scroll is a position in a list of lines.
type Scroll struct {
	Top   int
	total int
}

// By moves the position by n lines within total lines of which h are visible.
func (s *Scroll) By(n, total, h int) {
	s.Top += n
	s.clamp(total, h)
}

// Show moves as little as needed for a line to be visible, with a line of
// context where there is room.
func (s *Scroll) Show(line, total, h int) {
	margin := 0
	if h >= 5 {
		margin = 1
	}
	s.Top = min(s.Top, max(line-margin, 0))
	s.Top = max(s.Top, line+margin-h+1)
	s.clamp(total, h)
}

// Around puts a line a third of the way down, where there is that much above it.
func (s *Scroll) Around(line, total, h int) {
	s.Top = line - h/3
	s.clamp(total, h)
}

// End moves to the last line.
func (s *Scroll) End(total, h int) {
	s.Top = total
	s.clamp(total, h)
}

func (s *Scroll) clamp(total, h int) {
	s.total = total
	s.Top = max(min(s.Top, total-h), 0)
}

// Window returns the visible lines.
func (s *Scroll) Window(lines []string, h int) []string {
	s.clamp(len(lines), h)
	return lines[s.Top:min(s.Top+max(h, 0), len(lines))]
}

// AtEnd reports whether the last of total lines is visible.
func (s *Scroll) AtEnd(total, h int) bool { return s.Top+h >= total }

// note says how much there is above and below.
func (s *Scroll) note(t *theme.Theme, h int) string {
	if s.total <= h {
		return ""
	}
	above, below := s.Top, max(s.total-s.Top-h, 0)
	out := " "
	if above > 0 {
		out += t.Glyph.Up + strconv.Itoa(above) + " "
	}
	if below > 0 {
		out += t.Glyph.Down + strconv.Itoa(below) + " "
	}
	return out
}
