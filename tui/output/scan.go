package output

import (
	"bytes"
	"context"
	"time"
)

// Scan is a piece of work: as much of a document as can be searched in a moment.
type Scan struct {
	source string
	no     int
	doc    []segment
	show   Show
	from   int64
	room   int // for lines
	state  *scanning
}

// Scanned is what was found.
type Scanned struct {
	scan  Scan
	lines []int64
	upto  int64 // was searched
	done  bool  // there is nothing more at the moment
}

const (
	moment   = 80 * time.Millisecond // for which a piece of work goes on
	scanRead = 1 << 20               // bytes read at once
)

// Search does the work, through read.
func (s Scan) Search(ctx context.Context, read Reader) (Scanned, error) {
	out := Scanned{scan: s, upto: s.from}
	until := time.Now().Add(moment)
	s.state.room = s.room
	for _, p := range parts(s.doc, s.from, sizeOf(s.doc)) {
		if s.show != Both && p.Stream != int(s.show-Stdout) {
			continue
		}
		for from := p.From; from < p.To; {
			data, at, _, err := read(ctx, s.source, p.Stream, from, int(min(scanRead, p.To-from)))
			if err != nil {
				return out, err
			}
			if at >= p.To {
				break
			}
			if len(data) == 0 {
				out.lines, out.done = s.state.finish(), true
				return out, nil
			}
			s.state.take(p.Stream, p.pos+at-p.From, data)
			from = at + int64(len(data))
			out.upto = p.pos + from - p.From
			if len(s.state.lines) >= s.room || time.Now().After(until) {
				out.lines, s.state.lines = s.state.lines, nil
				return out, nil
			}
		}
	}
	out.lines, out.upto, out.done = s.state.finish(), sizeOf(s.doc), true
	return out, nil
}

// scanning turns bytes into lines and looks at each. It belongs to the piece of work
// that is under way.
type scanning struct {
	pattern *Pattern
	screens [2]*screen
	small   []byte
	pos     int64
	lines   []int64
	room    int
}

func (s *scanning) take(stream int, pos int64, data []byte) {
	s.pos = pos + int64(len(data))
	if s.screens[stream] == nil {
		s.screens[stream] = newScreen(stream, nil, s.look)
	}
	c := s.screens[stream]
	if s.pattern.lit != nil && !c.simple() {
		// The line that is open ends first.
		n := bytes.IndexByte(data, '\n') + 1
		c.write(pos, data[:n])
		data, pos = data[n:], pos+int64(n)
	}
	if n := plainLines(data); n > 0 && s.pattern.lit != nil && c.simple() {
		c.letGo()
		s.plain(pos, data[:n])
		data, pos = data[n:], pos+int64(n)
	}
	c.write(pos, data)
}

// look looks at a line that can't change any more.
func (s *scanning) look(r *row) {
	if s.pattern.in(r.bytes()) {
		s.add(r.pos)
	}
}

func (s *scanning) add(pos int64) {
	if n := len(s.lines); n < s.room && (n == 0 || s.lines[n-1] != pos) {
		s.lines = append(s.lines, pos)
	}
}

// plain looks at whole lines of printable ASCII, in which every byte is what it says.
func (s *scanning) plain(pos int64, b []byte) {
	in := b
	if s.pattern.fold {
		s.small = small(s.small[:0], b)
		in = s.small
	}
	for from := 0; from < len(in) && len(s.lines) < s.room; {
		i := bytes.Index(in[from:], s.pattern.lit)
		if i < 0 {
			return
		}
		s.add(pos + int64(bytes.LastIndexByte(in[:from+i], '\n')+1))
		next := bytes.IndexByte(in[from+i:], '\n')
		if next < 0 {
			return
		}
		from += i + next + 1
	}
}

// finish looks at the last lines, and returns what was found.
func (s *scanning) finish() []int64 {
	for _, c := range s.screens {
		if c != nil {
			c.end(s.pos)
		}
	}
	lines := s.lines
	s.lines = nil
	return lines
}
