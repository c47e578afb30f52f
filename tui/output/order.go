package output

import "slices"

// maxSegments bounds what is remembered of how two streams alternate.
const maxSegments = 32 << 10

// segment is a part of one stream and its place in the document.
type segment struct {
	pos      int64 // in the document
	from, to int64 // in the stream
	stream   int
	whole    [2]int64 // of one that was cut: from and to, as they were
}

func (g segment) end() int64 { return g.pos + g.to - g.from }

// order is how the two streams of an attempt follow each other: together they are
// one document, whose bytes have a position each. What was seen to grow first
// comes first; of what grew unseen, stdout comes before stderr.
type order struct {
	segs []segment
	ends [2]int64
}

// grow notes that the streams are that long. It reports false when positions have
// changed.
func (o *order) grow(ends [2]int64) (same bool) {
	for s, end := range ends {
		from := o.ends[s]
		if end <= from {
			continue
		}
		o.ends[s] = end
		if n := len(o.segs); n > 0 && o.segs[n-1].stream == s {
			o.segs[n-1].to = end
			continue
		}
		o.segs = append(o.segs, segment{pos: o.size(), from: from, to: end, stream: s})
	}
	if len(o.segs) <= maxSegments {
		return true
	}
	o.coarsen()
	return false
}

// coarsen joins neighbours: what came first tells less finely how it alternated.
func (o *order) coarsen() {
	var joined []segment
	var next [2]int64
	add := func(s int, to int64) {
		if to == next[s] {
			return
		}
		pos := int64(0)
		if n := len(joined); n > 0 {
			pos = joined[n-1].end()
		}
		if n := len(joined); n > 0 && joined[n-1].stream == s {
			joined[n-1].to = to
		} else {
			joined = append(joined, segment{pos: pos, from: next[s], to: to, stream: s})
		}
		next[s] = to
	}
	for four := range slices.Chunk(o.segs, 4) {
		upto := next
		for _, g := range four {
			upto[g.stream] = g.to
		}
		add(0, upto[0])
		add(1, upto[1])
	}
	o.segs = joined
}

func (o *order) size() int64 {
	if len(o.segs) == 0 {
		return 0
	}
	return o.segs[len(o.segs)-1].end()
}

// of is the document of what is shown.
func (o *order) of(show Show) []segment {
	if show == Both {
		return o.segs
	}
	s := int(show - Stdout)
	if o.ends[s] == 0 {
		return nil
	}
	return []segment{{to: o.ends[s], stream: s}}
}

// sizeOf is the document's length.
func sizeOf(doc []segment) int64 {
	if len(doc) == 0 {
		return 0
	}
	return doc[len(doc)-1].end()
}

// between cuts out the parts of a document from one position to another.
func between(doc []segment, from, to int64) []segment {
	i, _ := slices.BinarySearchFunc(doc, from, func(g segment, pos int64) int {
		if g.end() <= pos {
			return -1
		}
		return 1
	})
	var out []segment
	for ; i < len(doc) && doc[i].pos < to; i++ {
		g := doc[i]
		g.whole = [2]int64{g.from, g.to}
		if cut := from - g.pos; cut > 0 {
			g.pos, g.from = g.pos+cut, g.from+cut
		}
		if over := g.end() - to; over > 0 {
			g.to -= over
		}
		out = append(out, g)
	}
	return out
}
