package output

import (
	"bytes"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/text"
)

// control does what isn't text. pos is behind it.
func (s *screen) control(c text.Control, pos int64) {
	n := number(c.Params, 1)
	s.goesOn = s.goesOn && c.Final == 'm'
	switch c.Final {
	case '\n':
		s.newline(pos)
	case '\r':
		s.x = 0
	case 'm':
		s.ink = paint(s.ink, c.Params)
	case 'A':
		s.vertically(-n, s.column(), pos)
	case 'B':
		s.vertically(n, s.column(), pos)
	case 'E':
		s.vertically(n, 0, pos)
	case 'F':
		s.vertically(-n, 0, pos)
	case '\b', 'D':
		s.x = max(s.column()-n, 0)
	case 'C':
		s.x = min(s.column()+n, max(maxColumn, s.width()))
	case 'G':
		s.x = min(n-1, max(maxColumn, s.width()))
	case '\t':
		s.x = min((s.column()/8+1)*8, maxLine)
		s.pad(pos)
	default:
		s.erase(c.Final, c.Params, n, pos)
	}
}

// erase does what takes characters away. The whole screen isn't: only what stands
// behind the cursor is.
func (s *screen) erase(final byte, params []byte, n int, pos int64) {
	if s.y == len(s.rows) {
		return
	}
	r := s.rows[s.y]
	x := s.column()
	how := number(params, 0)
	r.open()
	r.end = max(r.end, pos)
	r.stale = true
	switch {
	case final == 'K' && how == 1:
		r.clear(0, x+1)
	case final == 'K' && how == 2:
		r.cells = r.cells[:0]
	case final == 'K', final == 'J' && how == 0:
		r.clear(x, len(r.cells))
		r.cells = r.cells[:min(x, len(r.cells))]
	case final == 'P':
		r.clear(x, x+n)
		if x < len(r.cells) {
			r.cells = append(r.cells[:x], r.cells[min(x+n, len(r.cells)):]...)
		}
	case final == 'X':
		r.clear(x, x+n)
	}
	if final == 'J' && how == 0 {
		for _, below := range s.rows[s.y+1:] {
			below.empty()
			below.end = max(below.end, pos)
		}
	}
	s.x = x
}

// newline goes to the beginning of the next row.
func (s *screen) newline(pos int64) {
	r := s.row()
	r.end = max(r.end, pos)
	s.leave()
	s.y, s.x = s.y+1, 0
	if s.y == len(s.rows) {
		s.x, s.next = atEnd, pos
	}
}

// vertically goes n rows down, at most one behind the last.
func (s *screen) vertically(n, x int, pos int64) {
	s.leave()
	if s.y = max(min(s.y+n, len(s.rows)), 0); s.y == len(s.rows) {
		s.next = pos
	}
	s.x = x
}

// leave says that another row will be written.
func (s *screen) leave() {
	s.wide.row = nil
	if s.y < len(s.rows) {
		s.rows[s.y].close()
	}
}

// width is the number of columns that are written in the row.
func (s *screen) width() int {
	if s.y == len(s.rows) {
		return 0
	}
	r := s.rows[s.y]
	if r.cells != nil {
		return len(r.cells)
	}
	k := &s.wide
	if k.row != r || k.bytes > len(r.buf) {
		k.row, k.bytes, k.cols = r, 0, 0
	}
	k.cols += ansi.StringWidth(string(r.buf[k.bytes:]))
	k.bytes = len(r.buf)
	return k.cols
}

func (s *screen) column() int {
	if s.x == atEnd {
		return s.width()
	}
	return s.x
}

// pad writes blanks up to the cursor where nothing stands: a tab is seen as such.
func (s *screen) pad(pos int64) {
	w := s.width()
	if s.x <= w {
		return
	}
	n, r := s.x-w, s.row()
	if r.cells == nil {
		r.add(bytes.Repeat([]byte{' '}, n), s.ink)
		r.end, s.x = max(r.end, pos), atEnd
		return
	}
	r.fill(s.x)
	r.end, r.stale = max(r.end, pos), true
}

// number is the first parameter.
func number(params []byte, otherwise int) int {
	n := 0
	for _, c := range params {
		n = n*10 + int(c-'0')
	}
	if n == 0 {
		return otherwise
	}
	return n
}
