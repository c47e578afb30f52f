package executor

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// lookOutput parts what a look writes from what its shell says before (when it
// begins, after any login noise) and behind (how it ended).
type lookOutput struct {
	nonce string
	sink  Sink

	mu      sync.Mutex
	streams [2]lookPart
	told    bool          // the sink knows that it has begun
	about   string        // which processes it is, once begun
	begun   chan struct{} // closed when about is set
	exit    int
	over    chan struct{} // closed when both streams have ended
}

// lookPart is how far one stream has come.
type lookPart struct {
	begun, ended bool
	held         []byte // read, but not yet known to be output
	size         int64
}

func newLookOutput(nonce string, sink Sink) *lookOutput {
	return &lookOutput{nonce: nonce, sink: sink, begun: make(chan struct{}), over: make(chan struct{})}
}

type lookStream struct {
	l *lookOutput
	s Stream
}

// Write implements io.Writer.
func (w lookStream) Write(p []byte) (int, error) {
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	return len(p), w.l.take(w.s, p)
}

func (l *lookOutput) take(s Stream, p []byte) error {
	part := &l.streams[s]
	if part.ended {
		return nil // written by a process left in the background
	}
	if len(part.held) > 0 {
		p = append(part.held, p...)
		part.held = nil
	}
	if !part.begun {
		_, about, rest, whole := cutMark(p, l.nonce+" begin")
		if !whole {
			if len(p) > maxReplyLine {
				return errReplyTooBig
			}
			part.held = bytes.Clone(p)
			return nil
		}
		part.begun = true
		l.tell()
		if s == Stdout {
			l.about = about
			close(l.begun)
		}
		p = rest
	}
	mark := l.nonce + " exit"
	output, exit, _, whole := cutMark(p, mark)
	if !whole {
		output = p[:len(p)-maybeMark(p, mark)]
		part.held = bytes.Clone(p[len(output):])
	}
	if len(output) > 0 {
		if l.sink != nil {
			l.sink.Output(s, part.size, output)
		}
		part.size += int64(len(output))
	}
	if !whole {
		return nil
	}
	return l.end(part, exit)
}

// tell tells the sink that the command begins. Both streams say so, and either may
// come first.
func (l *lookOutput) tell() {
	if b, ok := l.sink.(Beginner); ok && !l.told {
		b.Begun()
	}
	l.told = true
}

// end notes the end of one stream.
func (l *lookOutput) end(part *lookPart, exit string) error {
	n, err := strconv.Atoi(exit)
	if err != nil {
		return fmt.Errorf("ask the host: the exit code %q isn't known", exit)
	}
	part.ended, l.exit = true, n
	if l.streams[Stdout].ended && l.streams[Stderr].ended {
		close(l.over)
	}
	return nil
}

// cutMark cuts p around a line's end that begins with mark.
func cutMark(p []byte, mark string) (before []byte, value string, after []byte, whole bool) {
	i := bytes.Index(p, []byte(mark))
	if i < 0 {
		return p, "", nil, false
	}
	line, after, whole := bytes.Cut(p[i+len(mark):], []byte("\n"))
	return p[:i], strings.TrimPrefix(string(line), " "), after, whole
}

// maxMark is longer than any mark with its value.
const maxMark = 64

// maybeMark is the length of the tail of p that may be the beginning of a mark.
func maybeMark(p []byte, mark string) int {
	if i := bytes.LastIndex(p, []byte(mark)); i >= 0 && len(p)-i < maxMark {
		return len(p) - i
	}
	for n := min(len(p), len(mark)-1); n > 0; n-- {
		if bytes.HasSuffix(p, []byte(mark[:n])) {
			return n
		}
	}
	return 0
}

// result is the verdict of a look that has ended.
func (l *lookOutput) result() Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Result{Exit: l.exit, Bytes: Offsets{l.streams[Stdout].size, l.streams[Stderr].size}}
}

// unfinished says why a look whose shell has ended with an exit status has no
// verdict; nil when it has.
func (l *lookOutput) unfinished(exit int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	out, errs := &l.streams[Stdout], &l.streams[Stderr]
	switch {
	case out.ended && errs.ended:
		return nil
	case out.begun:
		return errors.New("the command's shell ended before the command")
	case exit == exitTruncated:
		return errTruncated
	}
	_, err := parseReply(l.nonce, out.held)
	if msg := strings.TrimSpace(lastLine(string(errs.held))); msg != "" {
		err = fmt.Errorf("%w (%s)", err, msg)
	}
	return fmt.Errorf("exit %d before it began: %w", exit, err)
}
