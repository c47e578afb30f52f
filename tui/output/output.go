package output

import (
	"stepgate/runbook/text"
	"stepgate/tui/pane"
)

// Show says which streams are visible.
type Show uint8

const (
	Both Show = iota
	Stdout
	Stderr
)

func (s Show) String() string { return [...]string{"stdout+stderr", "stdout", "stderr"}[s] }

// most of a grid that is drawn as a table, in bytes.
const most = 256 << 10

// Pane is the output of one attempt, or of one check. The zero value is empty
// and follows.
type Pane struct {
	source string // attempt, or what identifies a check's result
	fixed  bool   // all of it was given; nothing is read
	order  order
	doc    Show // the document that the window is of
	show   Show // what is seen of it
	w      window
	no     int   // of the window, so that what was read for another one is known
	aim    int64 // position of a window to be read anew, plus 1; 0: none
	read   bool  // something is being read

	grid *text.Grid // instead of the lines of stdout
	rows bool       // stdout is a grid as it is kept
	raw  []byte     // of stdout, while rows

	held   bool // the operator scrolled away from the end
	top    int  // while held, and as it was drawn last: the first row that is visible,
	sub    int  // and its first line
	cut    bool // long lines are cut, not wrapped
	left   int  // columns to the left of what is visible, while cut
	scroll pane.Scroll
	width  int
	height int
	seen   [2]int // rows from and to that were drawn
	found  found
}

// Source names what is shown.
func (p *Pane) Source() string { return p.source }

// Reset shows another source, empty as yet. Which streams are visible, and whether
// long lines are wrapped, stays.
func (p *Pane) Reset(source string) {
	*p = Pane{
		source: source, show: p.show, doc: p.show, cut: p.cut, width: p.width, height: p.height, no: p.no + 1,
		found: found{pattern: p.found.pattern, at: -1, no: p.found.no + 1},
	}
}

// Rows says that the source's stdout is a grid as it is kept.
func (p *Pane) Rows() { p.rows = true }

// Static shows texts that are complete.
func (p *Pane) Static(source, stdout, stderr string) {
	if source == p.source {
		return
	}
	p.Reset(source)
	p.fixed, p.doc = true, Both
	p.Grow([2]int64{int64(len(stdout)), int64(len(stderr))})
	for _, g := range p.order.segs {
		p.w.put([]Piece{{g.stream, 0, g.to, []byte([]string{stdout, stderr}[g.stream]), g.pos}}, false)
	}
	for _, s := range p.w.screens {
		if s != nil {
			s.end(p.order.size())
		}
	}
	p.searchHeld()
}

// Table shows a result of columns and rows instead of what stdout would be.
func (p *Pane) Table(source string, g text.Grid, stderr string) {
	if source == p.source {
		return
	}
	p.Static(source, "", stderr)
	p.grid = &g
}

// Grow says how long the streams are, as far as is known.
func (p *Pane) Grow(ends [2]int64) {
	if !p.order.grow(ends) {
		p.anew(p.order.size())
		p.found.restart()
	}
}

// Ends are the lengths of the streams, as far as they are known.
func (p *Pane) Ends() [2]int64 { return p.order.ends }

// document is what the window is a part of.
func (p *Pane) document() []segment { return p.order.of(p.doc) }

// size is its length.
func (p *Pane) size() int64 { return sizeOf(p.document()) }

// complete reports whether the window is the whole document.
func (p *Pane) complete() bool { return p.w.lo == 0 && p.w.hi >= p.size() }

// Want returns what to read next, and whether there is anything. There is nothing
// more until the answer was taken.
func (p *Pane) Want() (Request, bool) {
	size := p.size()
	if p.fixed || p.read || size == 0 {
		return Request{}, false
	}
	q := Request{Source: p.source, no: p.no}
	above, below := p.seen[0], p.seen[1]
	if !p.held {
		above, below = max(len(p.w.rows)-p.height, 0), len(p.w.rows)
	}
	switch doc := p.document(); {
	case p.aim > 0:
		from := max(min(p.aim-1, size)-lead, 0)
		if p.aim > size { // the end
			from = max(size-lead, 0)
		}
		q.kind, q.Parts = afresh, parts(doc, from, min(from+slice, size))
	case !p.held && p.w.hi+skip < size:
		q.kind, q.Parts = afresh, parts(doc, max(size-lead, 0), size)
	case p.w.hi < size && (!p.held || below+p.margin() > len(p.w.rows)):
		q.Parts = parts(doc, p.w.hi, min(p.w.hi+slice, size))
	case p.w.lo > 0 && above < p.margin():
		q.kind, q.Parts = inFront, parts(doc, max(p.w.lo-slice, 0), p.w.lo)
	default:
		return Request{}, false
	}
	p.read = true
	return q, true
}

// margin is how many rows there should be above and below what is visible.
func (p *Pane) margin() int { return 2*p.height + 50 }

// Take takes what was read. It reports whether asking for more now makes sense.
func (p *Pane) Take(r Reply) (more bool) {
	if r.Request.Source != p.source || p.fixed {
		return false
	}
	p.Grow(r.Ends)
	if r.Request.no != p.no || r.Request.kind == lengths {
		return true
	}
	p.read = false
	switch r.Request.kind {
	case behind:
		p.w.put(r.Pieces, false)
		p.table(r.Pieces)
	case inFront:
		n := p.w.before(r.Pieces)
		p.top += n
		p.seen[0], p.seen[1] = p.seen[0]+n, p.seen[1]+n
	case afresh:
		if len(r.Pieces) == 0 {
			return false
		}
		p.begin(r.Pieces)
	case lengths:
	}
	p.forget()
	if r.Request.kind == afresh && !p.held {
		return false // what comes faster than it can be read is looked at now and then
	}
	return len(r.Pieces) > 0 && !r.Short
}

// Failed says that a request was not answered, and returns whether that matters.
func (p *Pane) Failed(q Request) bool {
	if q.Source != p.source || q.no != p.no {
		return false
	}
	p.read = p.read && q.kind == lengths
	return true
}

// Lengths asks how long the streams are.
func (p *Pane) Lengths() Request {
	return Request{Source: p.source, kind: lengths, no: p.no, ends: p.order.ends}
}

// begin makes a new window of what was read.
func (p *Pane) begin(pieces []Piece) {
	p.w = window{lo: pieces[0].pos, hi: pieces[0].pos}
	p.w.put(pieces, true)
	if len(p.w.rows) > 0 && p.w.lo > 0 {
		p.w.lo = p.w.rows[0].pos
	}
	p.top, p.sub = 0, 0
	if p.aim > 0 && p.held {
		p.top = p.at(p.aim - 1)
		p.up(p.height / 3)
	}
	p.seen = [2]int{p.top, p.top + p.height}
	p.aim = 0
	p.rows, p.raw, p.grid = false, nil, nil
}

// at is the row that holds a position.
func (p *Pane) at(pos int64) int {
	i := 0
	for k, r := range p.w.rows {
		if r.pos <= pos && p.visible(r) {
			i = k
		}
	}
	return i
}

// forget lets go what is far from what is looked at.
func (p *Pane) forget() {
	at := len(p.w.rows)
	if p.held {
		at = p.top
	}
	n, cut := p.w.trim(at, 4*p.margin())
	p.top = max(p.top-n, 0)
	p.seen[0], p.seen[1] = max(p.seen[0]-n, 0), max(p.seen[1]-n, 0)
	if cut && p.doc != p.show { // what is seen is no longer all in the window
		p.reread()
	}
}

// anew has a window read around a position.
func (p *Pane) anew(pos int64) { p.aim, p.no = pos+1, p.no+1; p.read = false }

// table adds what was read to what may be a grid. Too much for a table is left as lines.
func (p *Pane) table(pieces []Piece) {
	for _, piece := range pieces {
		if !p.rows || piece.Stream != 0 {
			continue
		}
		if p.raw = append(p.raw, piece.Data...); len(p.raw) > most || len(piece.Data) == 0 {
			p.rows, p.raw, p.grid = false, nil, nil
			return
		}
		p.grid = nil
		if g, ok := text.ParseGrid(string(p.raw)); ok {
			p.grid = &g
		}
	}
}

// Empty reports whether nothing was printed, as far as is known.
func (p *Pane) Empty() bool { return len(p.w.rows) == 0 && p.grid == nil }

// Shows returns which streams are visible.
func (p *Pane) Shows() Show { return p.show }

// Toggle shows the next of both, stdout only, stderr only.
func (p *Pane) Toggle() {
	p.show = (p.show + 1) % 3
	if p.fixed || p.doc == Both && p.complete() {
		p.top, p.sub, p.held = 0, 0, false
		if p.found.restart(); p.fixed {
			p.searchHeld()
		}
		return
	}
	p.reread()
}

// reread has the end of what is to be seen read.
func (p *Pane) reread() {
	p.doc, p.held = p.show, false
	p.found.restart()
	p.w = window{}
	p.top, p.sub, p.seen = 0, 0, [2]int{}
	p.anew(p.size())
}

// visible reports whether a row is of a stream that is shown.
func (p *Pane) visible(r *row) bool {
	return p.show == Both || r.stream == int(p.show-Stdout)
}
