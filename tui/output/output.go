package output

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
)

const (
	maxLines = 4000
	maxLine  = 8 << 10   // bytes of one line that are shown
	window   = 256 << 10 // bytes of each stream that are fetched of what is there already
	slice    = 128 << 10 // bytes fetched at once
)

// Show says which streams are visible.
type Show uint8

const (
	Both Show = iota
	Stdout
	Stderr
)

func (s Show) String() string { return [...]string{"stdout+stderr", "stdout", "stderr"}[s] }

// Pane is the output of one attempt, or of one check. The zero value is empty
// and follows.
type Pane struct {
	source  string // attempt, or what identifies a check's result
	streams [2]stream
	lines   []line
	dropped int        // lines that were let go
	grid    *text.Grid // instead of the lines of stdout
	rows    bool       // stdout is a grid as it is kept
	raw     []byte     // of stdout, while rows
	show    Show
	held    bool // the operator scrolled away from the end
	scroll  pane.Scroll
	width   int
	total   int // wrapped lines that are visible
	height  int
}

type stream struct {
	clean text.Sanitizer
	next  int64 // offset of the first byte not yet taken
	open  bool  // its last line has no end yet
	last  int   // index of that line
}

type line struct {
	text   string
	stream int
	drawn  []string // wrapped for the current width
	cut    bool     // longer than maxLine
}

// Source names what is shown.
func (p *Pane) Source() string { return p.source }

// Reset shows another source, empty as yet.
func (p *Pane) Reset(source string) {
	*p = Pane{source: source, show: p.show, width: p.width, height: p.height}
}

// Want returns what to read next of a stream that has total bytes, and whether
// there is anything.
func (p *Pane) Want(streamNo int, total int64) (from int64, size int, ok bool) {
	s := &p.streams[streamNo]
	if s.next >= total {
		return 0, 0, false
	}
	from = s.next
	if total-from > 4*window {
		from = total - window
	}
	return from, slice, true
}

// Take adds bytes of the source's stream that begin at offset at. Bytes it has
// already are ignored; a gap is told in a line of its own.
func (p *Pane) Take(source string, streamNo int, at int64, data []byte) {
	if source != p.source {
		return
	}
	s := &p.streams[streamNo]
	if at < s.next {
		if at+int64(len(data)) <= s.next {
			return
		}
		data, at = data[s.next-at:], s.next
	}
	if at > s.next {
		p.note(streamNo, fmt.Sprintf("(%d bytes not shown)", at-s.next))
	}
	s.next = at + int64(len(data))
	p.write(streamNo, s.clean.Append(nil, data))
	if p.rows && streamNo == 0 {
		p.parse(data)
	}
}

// Rows says that the source's stdout is a grid as it is kept.
func (p *Pane) Rows() { p.rows = true }

// parse adds to what may be a grid. Too much for a table is left as lines.
func (p *Pane) parse(data []byte) {
	if p.raw = append(p.raw, data...); len(p.raw) > window {
		p.rows, p.raw, p.grid = false, nil, nil
		return
	}
	p.grid = nil
	if g, ok := text.ParseGrid(string(p.raw)); ok {
		p.grid = &g
	}
}

// Skip moves past bytes that nobody keeps.
func (p *Pane) Skip(source string, streamNo int, to int64) {
	if source == p.source && to > p.streams[streamNo].next {
		p.note(streamNo, fmt.Sprintf("(%d bytes not kept)", to-p.streams[streamNo].next))
		p.streams[streamNo].next = to
	}
}

// Static shows a text that is complete.
func (p *Pane) Static(source, stdout, stderr string) {
	if source == p.source {
		return
	}
	p.Reset(source)
	p.write(0, []byte(text.Block(text.Untrusted(stdout))))
	p.write(1, []byte(text.Block(text.Untrusted(stderr))))
}

// Table shows a result of columns and rows instead of what stdout would be.
func (p *Pane) Table(source string, g text.Grid, stderr string) {
	if source == p.source {
		return
	}
	p.Static(source, "", stderr)
	p.grid = &g
}

// note adds a line of our own.
func (p *Pane) note(streamNo int, s string) {
	p.streams[streamNo].open = false
	p.push(streamNo, s)
}

func (p *Pane) push(streamNo int, s string) {
	p.lines = append(p.lines, line{text: s, stream: streamNo})
	p.streams[streamNo].last = len(p.lines) - 1
}

// write adds sanitized text.
func (p *Pane) write(streamNo int, clean []byte) {
	s := &p.streams[streamNo]
	for len(clean) > 0 {
		part, rest, ended := bytes.Cut(clean, []byte("\n"))
		clean = rest
		if s.open {
			p.extend(streamNo, part)
		} else if len(part) > 0 || ended {
			p.push(streamNo, "")
			p.extend(streamNo, part)
		}
		s.open = !ended
	}
	p.forget()
}

func (p *Pane) extend(streamNo int, part []byte) {
	l := &p.lines[p.streams[streamNo].last]
	if l.cut || len(part) == 0 {
		return
	}
	l.drawn = nil
	if room := maxLine - len(l.text); len(part) > room {
		l.cut = true
		l.text += strings.ToValidUTF8(string(part[:max(room, 0)]), "") + " (line goes on)"
		return
	}
	l.text += string(part)
}

// forget lets the oldest lines go.
func (p *Pane) forget() {
	over := len(p.lines) - maxLines
	if over <= 0 {
		return
	}
	gone := 0
	for _, l := range p.lines[:over] {
		gone += len(l.drawn)
	}
	p.lines = append([]line(nil), p.lines[over:]...)
	p.dropped += over
	p.scroll.Top = max(p.scroll.Top-gone, 0)
	for i := range p.streams {
		p.streams[i].last -= over
		if p.streams[i].last < 0 {
			p.streams[i].open = false
		}
	}
}

// Empty reports whether there is nothing to show.
func (p *Pane) Empty() bool { return len(p.lines) == 0 && p.grid == nil }

// Shows returns which streams are visible.
func (p *Pane) Shows() Show { return p.show }

// Toggle shows the next of both, stdout only, stderr only.
func (p *Pane) Toggle() { p.show = (p.show + 1) % 3 }

// Scroll moves by n lines; at the end it follows again.
func (p *Pane) Scroll(n int) {
	p.scroll.By(n, p.total, p.height)
	p.held = !p.scroll.AtEnd(p.total, p.height) && p.grid == nil
}

// Position returns the position, for the frame.
func (p *Pane) Position() *pane.Scroll { return &p.scroll }

// Following reports whether new output moves the view.
func (p *Pane) Following() bool { return !p.held }

// Lines draws what is visible in at most h lines of w cells.
func (p *Pane) Lines(t *theme.Theme, w, h int) []string {
	if w < 1 || h < 1 {
		return nil
	}
	if w != p.width {
		for i := range p.lines {
			p.lines[i].drawn = nil
		}
		p.width = w
	}
	p.height = h
	var all []string
	if p.dropped > 0 {
		all = append(all, t.Faint.Render(pane.Cut(fmt.Sprintf("(%d earlier lines not shown)", p.dropped), w, "")))
	}
	for i := range p.lines {
		l := &p.lines[i]
		if p.show == Stdout && l.stream != 0 || p.show == Stderr && l.stream != 1 || p.grid != nil && l.stream == 0 {
			continue
		}
		if l.drawn == nil {
			l.drawn = draw(t, l, w)
		}
		all = append(all, l.drawn...)
	}
	if p.grid != nil && p.show != Stderr {
		all = append(p.table(t, w), all...)
	}
	p.total = len(all)
	if !p.held && p.grid == nil {
		p.scroll.End(p.total, h)
	}
	return p.scroll.Window(all, h)
}

// table draws the result in lines of at most w cells.
func (p *Pane) table(t *theme.Theme, w int) []string {
	lines := p.grid.Lines(w)
	for i, l := range lines {
		if i < 2 && len(lines) > 1 && strings.HasPrefix(lines[1], "-") {
			lines[i] = t.Muted.Render(l)
		}
	}
	count := fmt.Sprintf("(%d rows)", len(p.grid.Rows))
	if len(p.grid.Rows) == 1 {
		count = "(1 row)"
	}
	return append(lines, t.Faint.Render(pane.Cut(count, w, "")))
}

func draw(t *theme.Theme, l *line, w int) []string {
	style := t.Text
	if l.stream == 1 {
		style = t.Warning
	}
	var out []string
	for part := range strings.SplitSeq(ansi.Hardwrap(l.text, w, true), "\n") {
		out = append(out, style.Render(pane.Cut(part, w, "")))
	}
	return out
}

// Tail draws the last lines of what is there, at most n, whatever is scrolled.
func (p *Pane) Tail(t *theme.Theme, w, n int) []string {
	if w < 1 {
		return nil
	}
	var out []string
	if p.grid != nil {
		out = p.table(t, w)
		out = out[max(len(out)-n, 0):]
	}
	for i := len(p.lines) - 1; i >= 0 && len(out) < n; i-- {
		if p.grid != nil && p.lines[i].stream == 0 {
			continue
		}
		if part := draw(t, &p.lines[i], w); len(p.lines[i].text) > 0 || len(out) > 0 {
			out = append(part, out...)
		}
	}
	return out[max(len(out)-n, 0):]
}
