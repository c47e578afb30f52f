package text

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Sanitizer makes a stream of untrusted bytes fit for a terminal; its zero value
// is ready. What it writes holds no control character but \n, is valid UTF-8,
// and passes through a second sanitizer unchanged. Nothing is swallowed but
// colours, erasures, charset switches and variation selectors: other sequences
// become tokens such as ⟨OSC 52⟩, and a sequence that doesn't end on its line
// is shown as the text it is.
//
// Sequences and characters may be split between chunks. Not for concurrent use.
type Sanitizer struct {
	oneLine bool
	state   state
	seq     []byte // the sequence so far, from its ESC on
	partial []byte // an incomplete UTF-8 character
	cr      bool   // a CR was seen; what follows decides what it was
	col     int    // cells written on this line
	base    bool   // a character that marks may combine with was written
	marks   int    // combining marks since then
	cluster []byte // what is written of the character as it is seen
	joined  int    // letters that have joined its first one
	split   bool   // controls are found, not shown
	found   Control
}

type state uint8

const (
	ground  state = iota
	escape        // behind ESC
	control       // in CSI …
	stringy       // in OSC, DCS, SOS, PM or APC …
	closing       // in such a string, behind an ESC
)

const (
	tabWidth  = 8
	maxMarks  = 4       // combining marks kept per character
	maxJoined = 8       // letters that may join another one to be seen as one character
	maxString = 4 << 10 // bytes of a sequence before it is taken for text
)

// Append appends the printable form of chunk to dst.
func (s *Sanitizer) Append(dst, chunk []byte) []byte {
	for n := 0; len(chunk) > 0; chunk = chunk[n:] {
		dst, n = s.next(dst, chunk)
	}
	return dst
}

// next takes what can be taken at once from the start of chunk.
func (s *Sanitizer) next(dst, chunk []byte) ([]byte, int) {
	if s.state != ground {
		return s.step(dst, chunk[0]), 1
	}
	if len(s.partial) == 0 && !s.cr {
		if n := asciiRun(chunk); n > 0 {
			s.col += n
			s.begin(rune(chunk[n-1]))
			return append(dst, chunk[:n]...), n
		}
		if n, last := hanRun(chunk); n > 0 {
			s.col += n / 3 * 2
			s.begin(last)
			return append(dst, chunk[:n]...), n
		}
	}
	if chunk[0] >= utf8.RuneSelf || len(s.partial) > 0 {
		return s.wide(dst, chunk)
	}
	return s.step(dst, chunk[0]), 1
}

// Flush appends what was held back at the end of the stream.
func (s *Sanitizer) Flush(dst []byte) []byte {
	for s.state != ground {
		dst = s.abort(dst)
	}
	for range s.partial {
		dst = s.put(dst, utf8.RuneError)
	}
	s.partial = s.partial[:0]
	return s.settle(dst)
}

// asciiRun counts the printable ASCII bytes at the start of b.
func asciiRun(b []byte) int {
	for i, c := range b {
		if c < 0x20 || c >= 0x7f {
			return i
		}
	}
	return len(b)
}

// wide takes one character of several bytes, or a byte that is none, from b, and
// says how many bytes it used.
func (s *Sanitizer) wide(dst, b []byte) ([]byte, int) {
	held := len(s.partial)
	var window [2 * utf8.UTFMax]byte
	n := copy(window[:], s.partial)
	n += copy(window[n:], b[:min(len(b), utf8.UTFMax)])
	w := window[:n]
	if !utf8.FullRune(w) {
		s.partial = append(s.partial, b[:n-held]...)
		return dst, n - held
	}
	r, size := utf8.DecodeRune(w)
	if r == utf8.RuneError && size <= 1 && held > 0 {
		// The held bytes are no character; the new ones are looked at afresh.
		for range s.partial {
			dst = s.put(dst, utf8.RuneError)
		}
		s.partial = s.partial[:0]
		return dst, 0
	}
	s.partial = s.partial[:0]
	return s.put(dst, r), max(size-held, 0)
}

// step takes one ASCII byte, or a byte inside a sequence.
func (s *Sanitizer) step(dst []byte, c byte) []byte {
	switch s.state {
	case ground:
		return s.plain(dst, c)
	case escape:
		return s.escaped(dst, c)
	case control:
		return s.csi(dst, c)
	case stringy, closing:
		return s.str(dst, c)
	}
	return dst
}

func (s *Sanitizer) plain(dst []byte, c byte) []byte {
	if s.split && (c == '\n' || c == '\r' || c == '\b' || c == '\t') {
		s.control(c, nil)
		return dst
	}
	switch c {
	case '\n':
		if s.oneLine {
			dst = s.settle(dst)
			return s.put(dst, '␤')
		}
		s.cr = false
		return s.newline(dst)
	case '\r':
		s.cr = true // several of them and a \n are one line end
		return dst
	case '\t':
		dst = s.settle(dst)
		n := tabWidth - s.col%tabWidth
		if s.oneLine {
			n = 1
		}
		for range n {
			dst = s.put(dst, ' ')
		}
		return dst
	case 0x1b:
		dst = s.settle(dst)
		s.state, s.seq = escape, append(s.seq[:0], c)
		return dst
	}
	return s.put(dst, rune(c))
}

// settle writes the line end that a CR without \n stands for.
func (s *Sanitizer) settle(dst []byte) []byte {
	if !s.cr {
		return dst
	}
	s.cr = false
	if s.oneLine {
		return s.put(dst, '␍')
	}
	return s.newline(dst)
}

func (s *Sanitizer) newline(dst []byte) []byte {
	s.col, s.base, s.marks, s.joined, s.cluster = 0, false, 0, 0, s.cluster[:0]
	return append(dst, '\n')
}

// put writes one character, or the token for it.
func (s *Sanitizer) put(dst []byte, r rune) []byte {
	dst = s.settle(dst)
	if r >= 0x4e00 && r <= 0x9fff { // most Chinese text
		s.col += 2
		s.begin(r)
		return utf8.AppendRune(dst, r)
	}
	switch {
	case r == ideographicSpace || r == utf8.RuneError:
	case selector(r):
		return dst
	case unicode.Is(unicode.Zs, r):
		r = ' '
	case Hidden(r) || !unicode.IsPrint(r) && !unicode.Is(unicode.Co, r):
		return s.token(dst, Token(r))
	case r >= 0x300 && unicode.In(r, unicode.Mn, unicode.Me):
		return s.mark(dst, r)
	case r >= 0x300 && s.joins(r):
		if s.joined == maxJoined {
			return s.token(dst, Token(r))
		}
		s.joined++
		s.marks = 0
		s.cluster = utf8.AppendRune(s.cluster, r)
		return utf8.AppendRune(dst, r)
	}
	dst = utf8.AppendRune(dst, r)
	s.col += cells(r)
	s.begin(r)
	return dst
}

// begin notes that a character begins with r.
func (s *Sanitizer) begin(r rune) {
	s.base, s.marks, s.joined = true, 0, 0
	s.cluster = utf8.AppendRune(s.cluster[:0], r)
}

// joins reports whether r becomes one with the character in front of it, as the
// letters of some scripts, and colours of skin, do: a terminal draws any number
// of them in one place.
func (s *Sanitizer) joins(r rune) bool {
	if len(s.cluster) == 0 {
		return false
	}
	both := utf8.AppendRune(s.cluster, r)
	first, _ := ansi.FirstGraphemeCluster(both, ansi.GraphemeWidth)
	return len(first) == len(both)
}

// mark writes a combining mark, on a dotted circle when there's nothing of its
// own line that it could combine with.
func (s *Sanitizer) mark(dst []byte, r rune) []byte {
	if !s.base {
		dst = s.put(dst, '◌')
	}
	if s.marks >= maxMarks {
		return dst
	}
	s.marks++
	s.cluster = utf8.AppendRune(s.cluster, r)
	return utf8.AppendRune(dst, r)
}

func (s *Sanitizer) token(dst []byte, t string) []byte {
	s.col += ansi.StringWidth(t)
	last, _ := utf8.DecodeLastRuneInString(t)
	s.begin(last)
	return append(dst, t...)
}

func cells(r rune) int {
	if r < utf8.RuneSelf {
		return 1
	}
	return ansi.StringWidth(string(r))
}

// abort ends a sequence that never came to its end: its ESC is shown, and the
// rest is taken for the text it looks like.
func (s *Sanitizer) abort(dst []byte) []byte {
	if s.state == ground {
		return dst
	}
	held, split := s.seq, s.split
	s.state, s.seq, s.split = ground, nil, false // what was held is text, whatever it holds
	dst = s.token(dst, Token(0x1b))
	dst = s.Append(dst, held[1:])
	s.split = split
	return dst
}

// end drops the sequence or shows the token for it.
func (s *Sanitizer) end(dst []byte, format string, args ...any) []byte {
	s.state, s.seq = ground, s.seq[:0]
	if format == "" {
		return dst
	}
	return s.token(dst, fmt.Sprintf(format, args...))
}
