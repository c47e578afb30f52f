package output

import (
	"context"
	"slices"
)

// Request is what a pane wants to read.
type Request struct {
	Source string
	Parts  []Part
	kind   kind
	no     int // of the window that it is for
	ends   [2]int64
}

// kind is where in the window the bytes go.
type kind uint8

const (
	behind  kind = iota
	inFront      // the parts are read backwards
	afresh       // they are a new window
	lengths      // nowhere: only the lengths are asked for
)

// Reply is what there was. Ends are the lengths of the streams as far as they are
// known from reading.
type Reply struct {
	Request Request
	Pieces  []Piece
	Ends    [2]int64
	Short   bool // not all is there yet
}

// Reader reads what is kept of an attempt's stream, as a [tui.Source] does.
type Reader func(ctx context.Context, attempt string, stream int, from int64, most int) (data []byte, at, end int64, err error)

// Read does what is asked for.
func (q Request) Read(ctx context.Context, read Reader) (Reply, error) {
	r := reading{ctx: ctx, read: read, reply: Reply{Request: q}}
	var err error
	switch q.kind {
	case inFront:
		err = r.backward()
	case lengths:
		for stream, end := range q.ends {
			if _, _, err = r.output(q.Source, stream, end, 1); err != nil {
				break
			}
		}
	case behind, afresh:
		for _, p := range q.Parts {
			if err = r.part(p, q.kind == behind); err != nil || r.reply.Short {
				break
			}
		}
	}
	return r.reply, err
}

type reading struct {
	ctx   context.Context
	read  Reader
	reply Reply
}

func (r *reading) output(source string, stream int, from int64, most int64) (data []byte, at int64, err error) {
	data, at, end, err := r.read(r.ctx, source, stream, from, int(most))
	if err == nil {
		r.reply.Ends[stream] = max(r.reply.Ends[stream], end)
	}
	return data, at, err
}

// part reads one part. A gap at its end may reach further.
func (r *reading) part(p Part, beyond bool) error {
	for from := p.From; from < p.To; {
		data, at, err := r.output(r.reply.Request.Source, p.Stream, from, p.To-from)
		if err != nil {
			return err
		}
		if at > from {
			to := min(at, p.To)
			if beyond {
				to = min(at, p.whole[1])
			}
			r.reply.Pieces = append(r.reply.Pieces, Piece{p.Stream, from, to, nil, p.pos + from - p.From})
			from = to
			if from >= p.To {
				return nil
			}
			data = data[:min(len(data), int(p.To-from))]
		}
		if len(data) == 0 {
			r.reply.Short = true
			return nil
		}
		r.reply.Pieces = append(r.reply.Pieces, Piece{p.Stream, from, from + int64(len(data)), data, p.pos + from - p.From})
		from += int64(len(data))
	}
	return nil
}

// backward reads the last parts first, and stops in front of a gap.
func (r *reading) backward() error {
	var all []Piece
	for _, p := range slices.Backward(r.reply.Request.Parts) {
		r.reply.Pieces = nil
		if err := r.part(p, false); err != nil {
			return err
		}
		part := r.reply.Pieces
		r.reply.Pieces, r.reply.Short = nil, false
		if len(part) > 0 && len(part[0].Data) == 0 {
			from, err := r.begins(p, part[0].To)
			if err != nil {
				return err
			}
			part[0].pos -= part[0].At - from
			part[0].At = from
			all = append(part, all...)
			break
		}
		all = append(part, all...)
	}
	r.reply.Pieces = all
	return nil
}

// begins finds where the gap begins that ends at to, within a part's segment: the
// first byte from which on nothing up to there is kept.
func (r *reading) begins(p Part, to int64) (int64, error) {
	lo, hi := p.whole[0], p.From
	for lo < hi {
		mid := lo + (hi-lo)/2
		_, at, err := r.output(r.reply.Request.Source, p.Stream, mid, 1)
		if err != nil {
			return 0, err
		}
		if at >= to {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo, nil
}

// parts is what is to be read of a document from one position to another.
func parts(doc []segment, from, to int64) []Part {
	var out []Part
	for _, g := range between(doc, from, to) {
		out = append(out, Part{Stream: g.stream, From: g.from, To: g.to, pos: g.pos, whole: g.whole})
	}
	return out
}
