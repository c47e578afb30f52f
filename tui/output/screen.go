package output

import (
	"bytes"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/text"
	"stepgate/tui/theme"
)

const (
	maxLine    = 8 << 10 // bytes, or columns, of a row; what is longer goes on in the next one
	maxColumn  = 500     // that a cursor can be moved to where nothing stands
	reach      = 100     // rows that a cursor can go back to
	maxCluster = 64      // bytes in which it is seen whether a character joins the one before
)

// screen turns one stream's bytes into rows: the bottom of a terminal, where the
// cursor can go back over the last rows and write over what is there. It is as wide as
// any line. Movements to anywhere else, and whatever else a terminal can be told, are
// shown as the text that the sanitizer makes of them.
type screen struct {
	stream int
	born   func(*row) // there is a new row; may be nil
	gone   func(*row) // a row can't be changed any more; may be nil
	clean  text.Sanitizer
	rows   []*row // that can be changed, the last one at the bottom
	y      int    // the cursor's, in rows; behind the last: in a row that isn't there yet
	x      int    // the cursor's column; atEnd: behind all that was written
	ink    theme.Ink
	next   int64 // where the row that isn't there yet begins
	dst    []byte
	goesOn bool     // nothing has come between what was written last over cells and what comes
	wide   struct { // how wide the first bytes of a row are
		row         *row
		bytes, cols int
	}
}

const atEnd = -1

func newScreen(stream int, born, gone func(*row)) *screen {
	return &screen{stream: stream, born: born, gone: gone, x: atEnd}
}

// write takes bytes that stand at pos in the document.
func (s *screen) write(pos int64, data []byte) {
	if s.y == len(s.rows) {
		s.next = pos
	}
	for len(data) > 0 {
		if s.simple() {
			if n := plainLines(data); n > 0 {
				s.lines(pos, data[:n])
				pos, data = pos+int64(n), data[n:]
				continue
			}
		}
		var n int
		var c text.Control
		s.dst, n, c = s.clean.Split(s.dst[:0], data)
		if len(s.dst) > 0 {
			s.put(s.dst, pos+int64(n))
		}
		pos, data = pos+int64(n), data[n:]
		if c.Final != 0 {
			s.control(c, pos)
		}
	}
}

// simple reports whether a whole line can be taken as it is.
func (s *screen) simple() bool {
	return s.y == len(s.rows) && s.x == atEnd && s.clean.Idle()
}

// plainLines counts the bytes of whole lines of printable ASCII at the start of b.
func plainLines(b []byte) int {
	end := 0
	for i, c := range b {
		if c == '\n' {
			if i-end > maxLine {
				return end
			}
			end = i + 1
		} else if c < 0x20 || c >= 0x7f {
			return end
		}
	}
	return end
}

// lines takes whole lines of printable ASCII.
func (s *screen) lines(pos int64, b []byte) {
	for len(b) > 0 {
		var batch [64][]byte // rows are made some at a time, so that few keep little alive
		n := 0
		for ; n < len(batch) && len(b) > 0; n++ {
			batch[n], b, _ = bytes.Cut(b, []byte{'\n'})
		}
		store := make([]row, n)
		for i, l := range batch[:n] {
			r := &store[i]
			r.stream, r.pos, r.end = s.stream, pos, pos+int64(len(l))+1
			if pos = r.end; len(l) > 0 {
				if r.buf = bytes.Clone(l); s.ink != (theme.Ink{}) {
					r.inks = []inked{{0, s.ink}}
				}
			}
			s.add(r)
		}
	}
	s.y, s.next = len(s.rows), pos
	s.clean.Break()
}

// add makes a row the last one.
func (s *screen) add(r *row) {
	if s.rows = append(s.rows, r); len(s.rows) >= 2*reach {
		old := s.rows[:len(s.rows)-reach]
		if s.gone != nil {
			for _, r := range old {
				s.gone(r)
			}
		}
		kept := copy(s.rows, s.rows[len(old):])
		clear(s.rows[kept:])
		s.rows = s.rows[:kept]
	}
	if s.born != nil {
		s.born(r)
	}
}

// end says that nothing follows.
func (s *screen) end(pos int64) {
	if s.dst = s.clean.Flush(s.dst[:0]); len(s.dst) > 0 {
		s.put(s.dst, pos)
	}
	s.letGo()
}

// row is the one under the cursor.
func (s *screen) row() *row {
	if s.y == len(s.rows) {
		s.add(&row{stream: s.stream, pos: s.next, end: s.next})
		s.y = len(s.rows) - 1
	}
	return s.rows[s.y]
}

// put writes printable text at the cursor.
func (s *screen) put(b []byte, end int64) {
	for len(b) > 0 {
		r := s.row()
		if s.x == 0 && len(r.buf) == 0 && r.cells == nil {
			s.x = atEnd
		}
		cells := s.x != atEnd || r.cells != nil
		room := maxLine - len(r.buf)
		if cells {
			r.open()
			room = maxLine - len(r.cells)
			if s.x != atEnd {
				room = maxLine - s.x
			}
		}
		if room <= 0 {
			s.newline(r.end)
			continue
		}
		part := whole(b, room)
		if cells {
			s.over(r, part)
		} else {
			r.add(part, s.ink)
		}
		b, r.end = b[len(part):], max(r.end, end)
	}
}

// whole is the beginning of b, at most n bytes where that is no part of a character.
func whole(b []byte, n int) []byte {
	if len(b) <= n {
		return b
	}
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	if n == 0 {
		_, n = utf8.DecodeRune(b)
	}
	return b[:n]
}

// over writes over a row's cells.
func (s *screen) over(r *row, b []byte) {
	if s.x == atEnd {
		s.x = len(r.cells)
	}
	r.stale = true
	r.fill(s.x)
	if s.goesOn && s.x > 0 && b[0] >= utf8.RuneSelf {
		if k := first(r.cells, s.x-1); joins(r.cells[k].text, string(b[:min(len(b), maxCluster)])) {
			b = append([]byte(r.cells[k].text), b...)
			r.clear(k, s.x)
			s.x = k
		}
	}
	s.goesOn = true
	for len(b) > 0 {
		if b[0] < utf8.RuneSelf && (len(b) == 1 || b[1] < utf8.RuneSelf) && s.x < len(r.cells) && narrow(r.cells, s.x) {
			r.cells[s.x] = cell{ascii[b[0]], s.ink}
			s.x++
			b = b[1:]
			continue
		}
		one, w := ansi.FirstGraphemeCluster(b, ansi.GraphemeWidth)
		n := max(len(one), 1)
		if w == 0 { // it goes to the character before
			if s.x > 0 {
				r.cells[first(r.cells, s.x-1)].text += string(b[:n])
			}
			b = b[n:]
			continue
		}
		r.clear(s.x, s.x+w)
		r.fill(s.x + w)
		r.cells[s.x] = cell{string(b[:n]), s.ink}
		for k := range w - 1 {
			r.cells[s.x+1+k] = cell{"", s.ink}
		}
		s.x += w
		b = b[n:]
	}
}

// narrow reports whether the character of a column has that column only.
func narrow(cells []cell, x int) bool {
	return cells[x].text != "" && (x+1 == len(cells) || cells[x+1].text != "")
}

// letGo ends all changes to the rows so far.
func (s *screen) letGo() {
	s.leave()
	if s.gone != nil {
		for _, r := range s.rows {
			s.gone(r)
		}
	}
	s.rows, s.y = nil, 0
}
