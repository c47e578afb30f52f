package text

import "unicode/utf8"

// Control is what a screen does rather than shows: Final is '\n', '\r', '\b' or
// '\t', or the last byte of a control sequence whose parameters are Params.
type Control struct {
	Final  byte
	Params []byte // digits and ; : only; valid until the next call
}

// moves are the control sequences that a screen of a few lines can do by itself:
// the cursor up, down, right, left, to the beginning of a line and to a column;
// erasing behind it; characters taken out; colours.
const moves = "ABCDEFGKJPXm"

// Split is [Sanitizer.Append] for a screen that draws what it is given: it stops
// behind the first control and returns it, with the printable text that stands
// before it appended to dst and the number of bytes of chunk that were used. A
// Final of 0 says that all of it was. Whatever else a sequence may ask for is text
// as Append writes it, and the same limits hold.
func (s *Sanitizer) Split(dst, chunk []byte) ([]byte, int, Control) {
	s.split = true
	for i := 0; i < len(chunk); {
		var n int
		dst, n = s.next(dst, chunk[i:])
		i += n
		if s.found.Final != 0 {
			found := s.found
			s.found, s.split = Control{}, false
			return dst, i, found
		}
	}
	s.split = false
	return dst, len(chunk), Control{}
}

// hanRun counts the bytes of ordinary Chinese characters at the start of b, of three
// bytes each, and returns the last one.
func hanRun(b []byte) (n int, last rune) {
	for len(b)-n >= 3 && b[n] >= 0xe4 && b[n] <= 0xe9 {
		r, size := utf8.DecodeRune(b[n:])
		if size != 3 || r < 0x4e00 || r > 0x9fff {
			break
		}
		n, last = n+3, r
	}
	return n, last
}

// control notes one. Marks don't combine across a movement.
func (s *Sanitizer) control(final byte, params []byte) {
	s.found = Control{final, params}
	if final != 'm' {
		s.base, s.marks, s.joined, s.cluster = false, 0, 0, s.cluster[:0]
	}
}

// movement reports whether the sequence that ends in c is one for the screen:
// its parameters are few digits, so that no number is beyond reason.
func (s *Sanitizer) movement(c byte) bool {
	digits := 0
	for _, p := range s.seq[2:] {
		switch {
		case p >= '0' && p <= '9' && digits < 4:
			digits++
		case (p == ';' || p == ':') && c == 'm':
			digits = 0
		default:
			return false
		}
	}
	for i := range len(moves) {
		if moves[i] == c {
			return true
		}
	}
	return false
}

// Idle reports whether nothing is held back: what comes is looked at by itself.
func (s *Sanitizer) Idle() bool { return s.state == ground && len(s.partial) == 0 && !s.cr }

// Break says that a line has ended: marks that come don't combine with it.
func (s *Sanitizer) Break() {
	s.col, s.base, s.marks, s.joined, s.cluster = 0, false, 0, 0, s.cluster[:0]
}
