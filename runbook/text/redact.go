package text

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Masked stands where a secret stood.
const Masked = "‹secret›"

// MinSecret is the length, in bytes, from which a secret is masked wherever it occurs
// and in every form that [Redactor] knows. A shorter one can't be told from other
// text, so it's masked only as it is, and only where it stands as a word: between
// anything but the letters, digits and _ of ASCII.
const MinSecret = 5

// Redactor masks secrets in what is on its way to a journal, a screen or an export:
// the value itself, each longer line of it, and its forms in base64 (of any alignment,
// also wrapped), hexadecimal, URLs, JSON, HTML, SQL and shell text. Forms that it
// doesn't know (compressed, encrypted, reversed, with colours between the letters)
// pass. Overlapping and touching occurrences become one [Masked].
//
// It may be used concurrently. A nil Redactor masks nothing.
type Redactor struct {
	mu    sync.Mutex
	known map[string]bool
	forms atomic.Pointer[forms]
}

// NewRedactor returns one that masks these values; empty ones are no secrets.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{known: map[string]bool{}}
	r.forms.Store(&forms{})
	r.Add(secrets...)
	return r
}

// Add masks more values from now on, in streams that have begun as well.
func (r *Redactor) Add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		r.known[s] = true
	}
	all := make([]string, 0, len(r.known))
	for s := range r.known {
		all = append(all, s)
	}
	r.forms.Store(newForms(all))
}

// String masks secrets in a whole text.
func (r *Redactor) String(s string) string {
	if r == nil || r.forms.Load().empty() {
		return s
	}
	stream := r.Stream()
	out := stream.Append(nil, []byte(s))
	return string(stream.Close(out))
}

// Stream returns a stream of its own, from its beginning.
func (r *Redactor) Stream() *Redaction { return &Redaction{redactor: r} }

// Redaction masks secrets in one stream. What it writes doesn't depend on how the
// stream is cut into chunks. It holds bytes back only while they may be the beginning
// of a secret. Not for concurrent use.
type Redaction struct {
	redactor *Redactor
	held     []byte
	before   byte // the byte in front of held
	begun    bool // there is one
	covered  int  // how many bytes of held belong to an occurrence that has been masked
	touching bool // what was written last is a mask
}

// Append appends what is certain of the stream up to the end of chunk to dst.
func (s *Redaction) Append(dst, chunk []byte) []byte { return s.next(dst, chunk, false) }

// Close appends what was held back to dst. The stream is over.
func (s *Redaction) Close(dst []byte) []byte { return s.next(dst, nil, true) }

func (s *Redaction) next(dst, chunk []byte, last bool) []byte {
	var f *forms
	if s.redactor != nil {
		f = s.redactor.forms.Load()
	}
	if f.empty() && len(s.held) == 0 {
		if len(chunk) > 0 {
			s.begun, s.before, s.touching = true, chunk[len(chunk)-1], false
		}
		return append(dst, chunk...)
	}
	s.held = append(s.held, chunk...)
	end := len(s.held)
	if !last {
		end = f.undecided(s.held)
	}
	at := f.scan(s.held, end, edges{s.before, s.begun, last})
	return s.emit(dst, at, end)
}

// span is an occurrence: bytes from to to of what is held.
type span struct{ from, to int }

// emit writes what is held, up to end, with the spans masked; they begin before end,
// and are in order.
func (s *Redaction) emit(dst []byte, spans []span, end int) []byte {
	written, masked := s.covered, s.touching
	for _, at := range spans {
		if at.from > written {
			dst = append(dst, s.held[written:at.from]...)
			masked = false
		}
		if !masked {
			dst = append(dst, Masked...)
			masked = true
		}
		written = max(written, at.to)
	}
	if written < end {
		dst = append(dst, s.held[written:end]...)
		written, masked = end, false
	}
	s.covered, s.touching = written-end, masked
	if end > 0 {
		s.begun, s.before = true, s.held[end-1]
	}
	s.held = append(s.held[:0], s.held[end:]...)
	return dst
}

// forms are all that is looked for.
type forms struct {
	long    [256][][]byte // by first byte, each at least MinSecret long, longest first
	words   [][]byte      // short secrets
	pairs   []bool        // by the first two bytes: whether a long one begins so
	longest int
}

func (f *forms) empty() bool { return f == nil || f.longest == 0 }

func newForms(secrets []string) *forms {
	all := map[string]bool{}
	f := &forms{pairs: make([]bool, 1<<16)}
	for _, s := range secrets {
		switch {
		case s == "":
		case len(s) < MinSecret:
			f.words = append(f.words, []byte(s))
			f.longest = max(f.longest, len(s)+1)
		default:
			for _, form := range formsOf(s) {
				all[form] = true
			}
		}
	}
	for form := range all {
		f.long[form[0]] = append(f.long[form[0]], []byte(form))
		f.pairs[int(form[0])<<8|int(form[1])] = true
		f.longest = max(f.longest, len(form))
	}
	for i := range f.long {
		slices.SortFunc(f.long[i], func(a, b []byte) int {
			if len(a) != len(b) {
				return len(b) - len(a)
			}
			return bytes.Compare(a, b)
		})
	}
	return f
}

// undecided is where the first occurrence begins that more bytes could complete.
func (f *forms) undecided(text []byte) int {
	if f.empty() {
		return len(text)
	}
	for i := max(0, len(text)-f.longest); i < len(text); i++ {
		rest := text[i:]
		for _, form := range f.long[rest[0]] {
			if len(form) <= len(rest) {
				break
			}
			if bytes.HasPrefix(form, rest) {
				return i
			}
		}
		for _, w := range f.words {
			if bytes.HasPrefix(w, rest) { // a whole one, too: what follows decides
				return i
			}
		}
	}
	return len(text)
}

// edges is what lies around a text: the byte in front of it, if there is one, and
// whether nothing follows.
type edges struct {
	before byte
	begun  bool
	last   bool
}

// scan finds the occurrences that begin before end, in order of their beginnings.
func (f *forms) scan(text []byte, end int, e edges) []span {
	if f.empty() {
		return nil
	}
	var out []span
	for i := 0; i < end; i++ {
		if i+1 < len(text) && f.pairs[int(text[i])<<8|int(text[i+1])] {
			for _, form := range f.long[text[i]] {
				if bytes.HasPrefix(text[i:], form) {
					out = append(out, span{i, i + len(form)})
					break // the longest
				}
			}
		}
		for _, w := range f.words {
			if bytes.HasPrefix(text[i:], w) && e.word(text, i, i+len(w)) {
				out = append(out, span{i, i + len(w)})
			}
		}
	}
	return out
}

// word tells whether text[from:to] stands as a word.
func (e edges) word(text []byte, from, to int) bool {
	before, begun := e.before, e.begun
	if from > 0 {
		before, begun = text[from-1], true
	}
	return (!begun || !wordByte(before)) && (to == len(text) || !wordByte(text[to]))
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// Maskable tells whether a secret is masked wherever it occurs; why not is for the
// operator who chose it.
func Maskable(secret string) (why string, ok bool) {
	switch {
	case len(secret) < MinSecret:
		return "it's so short that it's masked only where it stands as a word", false
	case strings.TrimSpace(secret) == "":
		return "it holds nothing but blanks", false
	}
	return "", true
}
