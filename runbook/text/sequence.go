package text

import "bytes"

// escaped takes the byte behind an ESC, and further ones of a sequence such as
// `ESC ( B`.
func (s *Sanitizer) escaped(dst []byte, c byte) []byte {
	if len(s.seq) == 1 {
		switch c {
		case '[':
			s.state, s.seq = control, append(s.seq, c)
			return dst
		case ']', 'P', 'X', '^', '_':
			s.state, s.seq = stringy, append(s.seq, c)
			return dst
		}
	}
	switch {
	case c >= 0x20 && c <= 0x2f && len(s.seq) < 4:
		s.seq = append(s.seq, c)
		return dst
	case c >= 0x30 && c <= 0x7e:
		if len(s.seq) == 2 && bytes.IndexByte([]byte("()*+"), s.seq[1]) >= 0 {
			return s.end(dst, "") // which alphabet: of no use here
		}
		return s.end(dst, "⟨ESC %s%c⟩", s.seq[1:], c)
	}
	return s.retry(dst, c)
}

// csi takes a byte of ESC [ …. Colours and erasures are dropped.
func (s *Sanitizer) csi(dst []byte, c byte) []byte {
	switch {
	case c >= 0x20 && c <= 0x3f && len(s.seq) < 64:
		s.seq = append(s.seq, c)
		return dst
	case s.split && s.movement(c):
		s.control(c, s.seq[2:])
		s.state, s.seq = ground, s.seq[:0]
		return dst
	case s.split && (c == 'h' || c == 'l') && string(s.seq[2:]) == "?25":
		return s.end(dst, "") // whether the cursor is seen
	case c == 'm' || c == 'K' || c == 'J':
		return s.end(dst, "")
	case c >= 0x40 && c <= 0x7e:
		return s.end(dst, "⟨CSI %s%c⟩", s.seq[2:], c)
	}
	return s.retry(dst, c)
}

// str takes a byte of a string sequence, which ends in BEL or ESC \.
func (s *Sanitizer) str(dst []byte, c byte) []byte {
	switch {
	case s.state == closing && c == '\\' || c == 0x07:
		return s.end(dst, "%s", s.stringToken())
	case s.state == closing || c == '\n' || c == '\r' || c == 0x18 || c == 0x1a || len(s.seq) >= maxString:
		return s.retry(dst, c)
	case c == 0x1b:
		s.state = closing
	}
	s.seq = append(s.seq, c)
	return dst
}

// retry gives up the sequence and takes c for itself.
func (s *Sanitizer) retry(dst []byte, c byte) []byte {
	return s.Append(s.abort(dst), []byte{c})
}

// stringToken names the sequence; of OSC also its number, which says what it
// would have done. The payload is not shown.
func (s *Sanitizer) stringToken() string {
	switch s.seq[1] {
	case 'P':
		return "⟨DCS⟩"
	case 'X':
		return "⟨SOS⟩"
	case '^':
		return "⟨PM⟩"
	case '_':
		return "⟨APC⟩"
	}
	n := 2
	for n < len(s.seq) && n < 8 && s.seq[n] >= '0' && s.seq[n] <= '9' {
		n++
	}
	if n == 2 {
		return "⟨OSC⟩"
	}
	return "⟨OSC " + string(s.seq[2:n]) + "⟩"
}
