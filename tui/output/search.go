package output

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Pattern is what is searched for: text as it is or, behind a slash, a regular
// expression. Without a capital letter it doesn't tell them from small ones. Nil
// matches nothing.
type Pattern struct {
	text string // as it was typed
	lit  []byte // small letters, where fold; nil: re decides
	fold bool
	re   *regexp.Regexp
}

// NewPattern reads what was typed.
func NewPattern(s string) (*Pattern, error) {
	p := &Pattern{text: s, fold: !strings.ContainsFunc(s, unicode.IsUpper) && strings.ToUpper(s) != s}
	expr, isExpr := strings.CutPrefix(s, "/")
	if !isExpr {
		p.lit, expr = []byte(s), regexp.QuoteMeta(s)
	}
	if expr == "" {
		return nil, nil //nolint:nilnil // nothing is searched for
	}
	if p.fold {
		expr = "(?i)" + expr
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("%q is no regular expression: %w", strings.TrimPrefix(s, "/"), err)
	}
	p.re = re
	return p, nil
}

// String is what was typed.
func (p *Pattern) String() string { return p.text }

// Matches returns where it matches, as bytes from and to; never an empty piece.
func (p *Pattern) Matches(b []byte) [][2]int {
	if p == nil || p.lit != nil && !p.fold && !bytes.Contains(b, p.lit) {
		return nil
	}
	var out [][2]int
	for _, m := range p.re.FindAllIndex(b, -1) {
		if m[0] < m[1] {
			out = append(out, [2]int{m[0], m[1]})
		}
	}
	return out
}

func (p *Pattern) in(b []byte) bool {
	switch {
	case p.lit != nil && !p.fold:
		return bytes.Contains(b, p.lit)
	case p.lit != nil && !bytes.ContainsFunc(p.lit, func(c rune) bool { return c >= utf8.RuneSelf }):
		var room [512]byte
		return bytes.Contains(small(room[:0], b), p.lit)
	}
	m := p.re.FindIndex(b)
	return m != nil && (m[0] < m[1] || len(p.Matches(b)) > 0)
}

// small appends b to dst, with ASCII's capital letters as small ones.
func small(dst, b []byte) []byte {
	n := len(dst)
	dst = append(dst, b...)
	for i, c := range dst[n:] {
		if c >= 'A' && c <= 'Z' {
			dst[n+i] = c + 'a' - 'A'
		}
	}
	return dst
}

// mostFound is how many lines a search keeps of what it finds.
const mostFound = 100_000

// found is a search and what it has found.
type found struct {
	pattern *Pattern
	no      int     // of the search
	lines   []int64 // positions of the lines that match, in order
	at      int     // the one that was gone to; -1: none yet
	toward  int     // where to go once it is known: to the next (1), to the one before (-1)
	upto    int64   // the document was searched up to here
	state   *scanning
	busy    bool // a piece of work is under way
	idle    bool // what isn't searched yet is left
	full    bool // there are more lines than are kept
}

// restart forgets what was found.
func (f *found) restart() { *f = found{pattern: f.pattern, at: -1, no: f.no + 1} }

// here reports whether a row is the match that was gone to.
func (f *found) here(r *row) bool {
	return f.at >= 0 && f.at < len(f.lines) && r.pos <= f.lines[f.at] && f.lines[f.at] < max(r.end, r.pos+1)
}

// add takes positions of lines; those of lines that could still change come late.
func (f *found) add(lines []int64) {
	at := int64(-1)
	if f.at >= 0 {
		at = f.lines[f.at]
	}
	if f.lines = append(f.lines, lines...); !slices.IsSorted(f.lines) {
		slices.Sort(f.lines)
	}
	if f.lines = slices.Compact(f.lines); at >= 0 {
		f.at, _ = slices.BinarySearch(f.lines, at)
	}
	f.full = len(f.lines) >= mostFound
}

// Search begins to search for a pattern, and goes to the nearest match: the last one
// where the pane follows, else the first one from what is visible on.
func (p *Pane) Search(pattern *Pattern) {
	p.found.pattern = pattern
	p.found.restart()
	if p.rows || p.grid != nil && !p.fixed { // a table is searched as the lines that it is kept as
		p.rows, p.raw, p.grid = false, nil, nil
	}
	if p.found.toward = 1; !p.held {
		p.found.toward = -1
	}
	if p.fixed {
		p.searchHeld()
	}
}

// Pattern is what is searched for; nil: nothing.
func (p *Pane) Pattern() *Pattern { return p.found.pattern }

// Searching reports whether a search is under way.
func (p *Pane) Searching() bool { return p.found.pattern != nil && !p.found.idle }

// searchHeld searches what is all here.
func (p *Pane) searchHeld() {
	f := &p.found
	var lines []int64
	for _, r := range p.w.rows {
		if f.pattern != nil && p.visible(r) && f.pattern.in(r.bytes()) {
			lines = append(lines, r.pos)
		}
	}
	f.add(lines)
	f.upto, f.idle = p.size(), true
	p.arrive()
}

// Scan returns the next piece of work of a search, and whether there is any.
func (p *Pane) Scan() (Scan, bool) {
	f := &p.found
	if f.pattern == nil || f.busy || f.idle || p.fixed {
		return Scan{}, false
	}
	if f.upto >= p.size() && f.state == nil {
		f.idle = true
		p.arrive()
		return Scan{}, false
	}
	f.busy = true
	if f.state == nil {
		f.state = &scanning{pattern: f.pattern}
	}
	return Scan{p.source, f.no, p.document(), p.show, f.upto, mostFound - len(f.lines), f.state}, true
}

// Scanned takes what a piece of work has found.
func (p *Pane) Scanned(r Scanned) {
	f := &p.found
	if r.scan.source != p.source || r.scan.no != f.no {
		return
	}
	f.busy = false
	f.add(r.lines)
	f.upto = max(f.upto, r.upto)
	if r.done || f.full {
		f.idle, f.state = true, nil
		p.arrive()
		return
	}
	if i := p.next(); f.toward > 0 && i < len(f.lines) { // it is known before the end is
		p.arrive()
	}
}

// next is the match behind the one that was gone to, or behind what is visible.
func (p *Pane) next() int {
	if p.found.at >= 0 {
		return p.found.at + 1
	}
	here := p.w.lo
	if p.top < len(p.w.rows) {
		here = p.w.rows[p.top].pos
	}
	i, _ := slices.BinarySearch(p.found.lines, here)
	return i
}

// arrive goes where the search was to go.
func (p *Pane) arrive() {
	f := &p.found
	toward := f.toward
	f.toward = 0
	n := len(f.lines)
	switch {
	case toward == 0 || n == 0:
		return
	case toward > 0:
		f.at = p.next() % n
	case f.at >= 0:
		f.at = (f.at + n - 1) % n
	default:
		f.at = n - 1
	}
	p.goTo(f.lines[f.at])
	p.reveal()
}

// reveal moves a line that is cut sideways until its match is visible.
func (p *Pane) reveal() {
	if !p.cut {
		return
	}
	for _, r := range p.w.rows {
		if !p.found.here(r) {
			continue
		}
		if m := p.found.pattern.Matches(r.bytes()); len(m) > 0 {
			col := ansi.StringWidth(string(r.buf[:m[0][0]]))
			if col < p.left || col >= p.left+p.width-8 {
				p.left = max(col-p.width/2, 0)
			}
		}
		return
	}
}

// Next goes to the next match, or with -1 to the one before. Behind the last one
// what has come since is searched, and then it begins anew.
func (p *Pane) Next(n int) {
	f := &p.found
	if f.pattern == nil {
		return
	}
	f.toward = n
	at := f.at + n
	if at >= 0 && at < len(f.lines) || p.fixed || f.full || f.upto >= p.size() {
		p.arrive()
		return
	}
	f.idle = false
}

// StopSearch leaves what isn't searched yet; what was found stays.
func (p *Pane) StopSearch() {
	f := &p.found
	f.busy, f.idle, f.toward, f.state = false, true, 0, nil
	f.no++
}

// Forget ends a search: nothing is marked any more.
func (p *Pane) Forget() {
	p.found.pattern = nil
	p.found.restart()
}

// Found tells which of the lines that match was gone to (0: none), how many there
// are, and whether there are more than that.
func (p *Pane) Found() (at, lines int, more bool) {
	f := &p.found
	return f.at + 1, len(f.lines), f.full || f.idle && f.upto < p.size() && f.state == nil && !p.fixed
}

// Searched tells how many bytes of how many were searched.
func (p *Pane) Searched() (upto, of int64) { return p.found.upto, p.size() }
