package engine

import (
	"bytes"
	"strings"
	"sync"

	"stepgate/executor"
)

// maxLine is how much of a line a sample sees, in bytes.
const maxLine = 64 << 10

// lineReader makes samples of the lines that the process of a monitor prints.
type lineReader struct {
	feed *lineFeed

	mu   sync.Mutex
	next executor.Offsets
	line []byte
}

// anew begins with another start of the process.
func (l *lineReader) anew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next, l.line = executor.Offsets{}, nil
}

// at implements [outflow].
func (l *lineReader) at() executor.Offsets {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// Output implements [executor.Sink]. What is printed to stderr is no sample.
func (l *lineReader) Output(s executor.Stream, offset int64, p []byte) {
	for _, line := range l.take(s, offset, p) {
		l.feed.line(line)
	}
}

// take adds a piece, and returns the lines that are complete now.
func (l *lineReader) take(s executor.Stream, offset int64, p []byte) (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.next[s] - offset; old > 0 { // delivered before a link was lost
		p = p[min(old, int64(len(p))):]
	}
	l.next[s] += int64(len(p))
	if s != executor.Stdout {
		return nil
	}
	for len(p) > 0 {
		rest, ended := p, false
		if i := bytes.IndexByte(p, '\n'); i >= 0 {
			rest, p, ended = p[:i], p[i+1:], true
		} else {
			p = nil
		}
		l.line = append(l.line, rest[:min(len(rest), maxLine-len(l.line))]...)
		if ended {
			lines = append(lines, strings.ToValidUTF8(string(l.line), "�"))
			l.line = l.line[:0]
		}
	}
	return lines
}

// lost says that the link has been silent since the last line.
func (l *lineFeed) lost() {
	l.say(func() {
		l.f.look(l.limit + inattentive)
		l.stopReading(l.f.end)
	})
}

// finish implements [outflow]. A line without an end is no sample.
func (l *lineReader) finish() {}
