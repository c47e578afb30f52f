package output

import (
	"context"
	"io"
	"strings"
)

// Whole is all that is kept of what is shown, as text.
type Whole struct {
	source string
	doc    []segment
	show   Show
	text   string // of what isn't read
}

// Whole returns the text of all that is shown, for [Whole.Write].
func (p *Pane) Whole() Whole {
	if !p.fixed {
		return Whole{source: p.source, doc: p.order.of(p.show), show: p.show}
	}
	var out strings.Builder
	if p.grid != nil && p.show != Stderr {
		for _, l := range p.grid.Lines(120) {
			out.WriteString(l + "\n")
		}
	}
	for _, r := range p.w.rows {
		if p.visible(r) {
			out.WriteString(string(r.bytes()) + "\n")
		}
	}
	return Whole{text: out.String()}
}

// Write writes the text, line by line as it is shown, without colours. It never
// holds more than a part of it.
func (t Whole) Write(ctx context.Context, read Reader, w io.Writer) error {
	if t.source == "" {
		_, err := io.WriteString(w, t.text)
		return err
	}
	out := lineWriter{w: w}
	for _, p := range parts(t.doc, 0, sizeOf(t.doc)) {
		for from := p.From; from < p.To; {
			data, at, _, err := read(ctx, t.source, p.Stream, from, int(min(scanRead, p.To-from)))
			if err != nil {
				return err
			}
			if at > from {
				out.gap(p.Stream, p.pos+from-p.From, p.pos+min(at, p.To)-p.From)
			}
			if at >= p.To || len(data) == 0 {
				break
			}
			out.screen(p.Stream).write(p.pos+at-p.From, data)
			if from = at + int64(len(data)); out.err != nil {
				return out.err
			}
		}
	}
	out.end(sizeOf(t.doc))
	return out.err
}

// lineWriter writes rows in the order in which they began, once they can't change.
type lineWriter struct {
	w       io.Writer
	screens [2]*screen
	queue   []*row
	gone    map[*row]bool
	err     error
}

func (o *lineWriter) screen(stream int) *screen {
	if o.gone == nil {
		o.gone = map[*row]bool{}
	}
	if o.screens[stream] == nil {
		o.screens[stream] = newScreen(stream, func(r *row) { o.queue = append(o.queue, r) }, o.settle)
	}
	return o.screens[stream]
}

// settle takes a row that can't change any more.
func (o *lineWriter) settle(r *row) {
	o.gone[r] = true
	n := 0
	for ; n < len(o.queue) && o.gone[o.queue[n]]; n++ {
		delete(o.gone, o.queue[n])
		if o.err == nil {
			_, o.err = o.w.Write(append(o.queue[n].bytes(), '\n'))
		}
	}
	o.queue = o.queue[n:]
}

func (o *lineWriter) gap(stream int, from, to int64) {
	s := o.screen(stream)
	s.end(from)
	r := gapRow(stream, from, to)
	o.queue = append(o.queue, r)
	o.settle(r)
}

func (o *lineWriter) end(pos int64) {
	for _, s := range o.screens {
		if s != nil {
			s.end(pos)
		}
	}
}
