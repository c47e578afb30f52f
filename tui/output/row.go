package output

import (
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/text"
	"stepgate/tui/theme"
)

// row is one line as a terminal would show it.
type row struct {
	stream   int
	pos, end int64       // in the document: its first byte, and behind the last one that changed it
	note     bool        // a line of our own
	differs  bool        // it is a line of a difference,
	change   text.Change // of this kind
	buf      []byte
	inks     []inked // where the ink changes; none: no ink
	cells    []cell  // while it is written over; what buf and inks are made from
	stale    bool    // they have to be made anew

	width  int // that the following are for; 0: none
	starts []int
	drawn  []string
	look   look
}

// inked says that an ink holds from a byte on.
type inked struct {
	at  int
	ink theme.Ink
}

// cell is one column.
type cell struct {
	text string // empty: the second half of a wide character
	ink  theme.Ink
}

// ascii are the texts of cells that need no memory of their own.
var ascii = func() (t [utf8.RuneSelf]string) {
	for i := range t {
		t[i] = string(rune(i))
	}
	return t
}()

// bytes are what the row shows, as text.
func (r *row) bytes() []byte {
	r.settle()
	return r.buf
}

// add writes at the row's end.
func (r *row) add(b []byte, ink theme.Ink) {
	last := theme.Ink{}
	if n := len(r.inks); n > 0 {
		last = r.inks[n-1].ink
	}
	if ink != last {
		if r.inks == nil {
			r.inks = make([]inked, 0, 4)
		}
		r.inks = append(r.inks, inked{len(r.buf), ink})
	}
	if r.buf == nil {
		r.buf = make([]byte, 0, max(len(b), 32))
	}
	r.buf = append(r.buf, b...)
	r.width = 0
}

// open turns the row into cells.
func (r *row) open() {
	if r.cells != nil {
		return
	}
	r.cells = make([]cell, 0, len(r.buf)+16)
	ink, next := theme.Ink{}, 0
	for at := 0; at < len(r.buf); {
		for next < len(r.inks) && r.inks[next].at <= at {
			ink = r.inks[next].ink
			next++
		}
		n := 0
		r.cells, n = appendCell(r.cells, r.buf[at:], ink)
		at += n
	}
}

// appendCell adds the first character of b and says how many bytes it has. What has no
// width of its own goes to the one before.
func appendCell(cells []cell, b []byte, ink theme.Ink) ([]cell, int) {
	if b[0] < utf8.RuneSelf && (len(b) == 1 || b[1] < utf8.RuneSelf) {
		return append(cells, cell{ascii[b[0]], ink}), 1
	}
	one, w := ansi.FirstGraphemeCluster(b, ansi.GraphemeWidth)
	n := max(len(one), 1)
	s := string(b[:n])
	if w == 0 {
		if k := first(cells, len(cells)-1); k >= 0 {
			cells[k].text += s
		}
		return cells, n
	}
	cells = append(cells, cell{s, ink})
	for range w - 1 {
		cells = append(cells, cell{"", ink})
	}
	return cells, n
}

// first is the column in which the character of column x begins.
func first(cells []cell, x int) int {
	for x > 0 && cells[x].text == "" {
		x--
	}
	return x
}

// clear makes columns blank, and the other half of a wide character that is cut.
func (r *row) clear(from, to int) {
	to = min(to, len(r.cells))
	if from >= to {
		return
	}
	for k := first(r.cells, from); k < from; k++ {
		r.cells[k].text = " "
	}
	for k := to; k < len(r.cells) && r.cells[k].text == ""; k++ {
		r.cells[k].text = " "
	}
	for k := from; k < to; k++ {
		r.cells[k] = cell{text: " "}
	}
	r.stale = true
}

// settle makes buf and inks from the cells. Characters that came together only by
// movements of the cursor stay apart.
func (r *row) settle() {
	if !r.stale {
		return
	}
	r.buf, r.inks, r.width, r.stale = r.buf[:0], r.inks[:0], 0, false
	blank := len(r.cells)
	for blank > 0 && r.cells[blank-1] == (cell{text: " "}) {
		blank--
	}
	before := ""
	for _, c := range r.cells[:blank] {
		s := c.text
		if joins(before, s) {
			s = "�"
		}
		if s != "" {
			before = s
		}
		last := theme.Ink{}
		if n := len(r.inks); n > 0 {
			last = r.inks[n-1].ink
		}
		if c.ink != last {
			r.inks = append(r.inks, inked{len(r.buf), c.ink})
		}
		r.buf = append(r.buf, s...)
	}
}

// joins reports whether two characters beside each other would be drawn as one.
func joins(a, b string) bool {
	if a == "" || b == "" || b[0] < utf8.RuneSelf || han(a) && han(b) {
		return false
	}
	both := a + b
	one, _ := ansi.FirstGraphemeCluster(both, ansi.GraphemeWidth)
	return len(one) > len(a)
}

// han reports whether s begins with an ordinary Chinese character.
func han(s string) bool { return s[0] >= 0xe4 && s[0] <= 0xe9 && s >= "\u4e00" && s < "\ua000" }

// close lets the cells go, which take much room.
func (r *row) close() {
	r.settle()
	r.cells = nil
}

// empty takes everything away.
func (r *row) empty() { r.buf, r.inks, r.cells, r.width, r.stale = nil, nil, nil, 0, false }

// fill makes the cells at least n columns wide.
func (r *row) fill(n int) {
	for len(r.cells) < n {
		r.cells = append(r.cells, cell{text: " "})
	}
}

// breaks returns where the row's lines begin when it is cut into w cells, as bytes
// of its text.
func (r *row) breaks(w int) []int {
	r.settle()
	if r.width == w {
		return r.starts
	}
	r.width, r.drawn = w, nil
	r.starts = append(r.starts[:0], 0)
	used := 0
	for at := 0; at < len(r.buf); {
		n, cw := 1, 1
		if c := r.buf[at]; c >= utf8.RuneSelf || at+1 < len(r.buf) && r.buf[at+1] >= utf8.RuneSelf {
			one, width := ansi.FirstGraphemeCluster(r.buf[at:], ansi.GraphemeWidth)
			n, cw = max(len(one), 1), width
		}
		if used+cw > w && used > 0 {
			r.starts = append(r.starts, at)
			used = 0
		}
		used += cw
		at += n
	}
	return r.starts
}

// columns returns the bytes that stand in the columns from x on, w of them, and how
// many blanks stand in front for a character that is cut in two.
func (r *row) columns(x, w int) (from, to, blanks int) {
	r.settle()
	col := 0
	from = len(r.buf)
	for at := 0; at < len(r.buf); {
		one, cw := ansi.FirstGraphemeCluster(r.buf[at:], ansi.GraphemeWidth)
		n := max(len(one), 1)
		if col >= x && from > at {
			from, blanks = at, col-x
		}
		if col+cw > x+w {
			return min(from, at), at, blanks
		}
		col += cw
		at += n
	}
	return from, len(r.buf), blanks
}
