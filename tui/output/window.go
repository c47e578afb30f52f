package output

import (
	"bytes"
	"fmt"

	"stepgate/runbook/text"
)

const (
	maxRows = 8192      // of a window
	maxHeld = 2 << 20   // bytes of its rows
	slice   = 128 << 10 // bytes read at once
	lead    = 32 << 10  // bytes read in front of what is looked for
	skip    = 512 << 10 // what follows the end leaves out more than that
)

// Part is a part of a stream that is to be read.
type Part struct {
	Stream   int
	From, To int64
	pos      int64    // of From, in the document
	whole    [2]int64 // from and to of its segment
}

// Piece is what was read: bytes of a stream from At on or, without bytes, that those
// up to To aren't kept.
type Piece struct {
	Stream int
	At, To int64
	Data   []byte
	pos    int64
}

// window is the part of a document that is held as rows.
type window struct {
	rows    []*row
	lo, hi  int64 // in the document
	held    int   // bytes of the rows, as they were added
	screens [2]*screen
}

func (w *window) screen(stream int) *screen {
	if w.screens[stream] == nil {
		w.screens[stream] = newScreen(stream, func(r *row) { w.rows = append(w.rows, r) }, nil)
	}
	return w.screens[stream]
}

// put takes pieces behind those that are there. The first bytes of a window that
// begins in the middle are the end of a line whose beginning is unknown: cut leaves
// them out.
func (w *window) put(pieces []Piece, cut bool) {
	for i, p := range pieces {
		if len(p.Data) == 0 {
			w.gap(p)
			continue
		}
		data, pos := p.Data, p.pos
		if n := bytes.IndexByte(data, '\n') + 1; cut && i == 0 && p.At > 0 && n > 0 && n < len(data) {
			data, pos = data[n:], pos+int64(n)
		}
		w.screen(p.Stream).write(pos, data)
		w.hi = max(w.hi, p.pos+int64(len(p.Data)))
		w.held += len(data)
	}
}

// gap tells what isn't kept, in a row of its own; neighbours become one.
func (w *window) gap(p Piece) {
	end := p.pos + p.To - p.At
	w.hi = max(w.hi, end)
	if n := len(w.rows); n > 0 && w.rows[n-1].note && w.rows[n-1].stream == p.Stream && w.rows[n-1].end == p.pos {
		w.rows[n-1].end = end
		w.rows[n-1].tell()
		return
	}
	if s := w.screens[p.Stream]; s != nil {
		s.end(p.pos)
	}
	w.screens[p.Stream] = nil
	w.rows = append(w.rows, gapRow(p.Stream, p.pos, end))
}

func gapRow(stream int, pos, end int64) *row {
	r := &row{stream: stream, pos: pos, end: end, note: true}
	r.tell()
	return r
}

// tell says how many bytes aren't kept.
func (r *row) tell() {
	r.buf, r.width = fmt.Appendf(nil, "(%s not kept: %d bytes)", text.Bytes(r.end-r.pos), r.end-r.pos), 0
}

// before takes pieces in front of those that are there, the last of which ends at
// lo. It returns how many rows came.
func (w *window) before(pieces []Piece) int {
	if len(pieces) == 0 {
		return 0
	}
	front := &window{lo: pieces[0].pos, hi: pieces[0].pos}
	front.put(pieces, true)
	for _, s := range front.screens {
		if s != nil {
			s.end(w.lo)
		}
	}
	w.lo = front.lo
	if len(front.rows) > 0 && pieces[0].pos > 0 {
		w.lo = front.rows[0].pos
	}
	if n := len(front.rows); n > 0 && len(w.rows) > 0 && front.rows[n-1].note && w.rows[0].note && front.rows[n-1].stream == w.rows[0].stream {
		w.rows[0].pos = front.rows[n-1].pos
		w.rows[0].tell()
		front.rows = front.rows[:n-1]
	}
	w.rows = append(front.rows, w.rows...)
	w.held += front.held
	return len(front.rows)
}

// trim lets rows far from row at go, so that a bounded number is left, never fewer
// than least. It returns how many went in front, and whether any did at all. None is
// cut from what it is one with: rows whose bytes come before and behind another's.
func (w *window) trim(at, least int) (front int, any bool) {
	most := maxRows
	if w.held > maxHeld {
		most = max(min(most, int(int64(len(w.rows))*maxHeld/int64(w.held))), least)
	}
	if len(w.rows) <= most+most/4 {
		return 0, false
	}
	if to := at + most/2; to < len(w.rows) {
		if to = w.seam(to, 1); to < len(w.rows) {
			w.shrink(len(w.rows) - to)
			w.hi = w.rows[to].pos
			clear(w.rows[to:])
			w.rows = w.rows[:to]
			w.screens = [2]*screen{}
		}
	}
	if from := min(at-most/2, len(w.rows)-most); from > 0 {
		from = w.seam(from, -1)
		w.shrink(from)
		w.lo = w.rows[from].pos
		w.rows = append([]*row(nil), w.rows[from:]...)
		front = from
	}
	return front, true
}

// shrink notes that n rows go.
func (w *window) shrink(n int) { w.held -= int(int64(w.held) * int64(n) / int64(len(w.rows))) }

// seam finds the row nearest to i, in one direction, that begins behind all bytes of
// those before it.
func (w *window) seam(i, step int) int {
	for k := i; k > 0 && k < len(w.rows) && k-i < reach && i-k < reach; k += step {
		if w.rows[k-1].end <= w.rows[k].pos {
			return k
		}
	}
	return i
}
