package executortest

import (
	"bytes"
	"fmt"
	"sync"

	"stepgate/executor"
)

// Recorder is a Sink that keeps everything and notices gaps and overlaps.
type Recorder struct {
	mu      sync.Mutex
	from    executor.Offsets
	streams [2]bytes.Buffer
	wrong   error
	changed chan struct{}
}

// NewRecorder returns a recorder for output that begins at from.
func NewRecorder(from executor.Offsets) *Recorder {
	return &Recorder{from: from, changed: make(chan struct{})}
}

// Output implements [executor.Sink].
func (r *Recorder) Output(s executor.Stream, offset int64, p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if want := r.from[s] + int64(r.streams[s].Len()); offset != want && r.wrong == nil {
		r.wrong = fmt.Errorf("stream %d: output came at offset %d, wanted %d", s, offset, want)
	}
	r.streams[s].Write(p)
	close(r.changed)
	r.changed = make(chan struct{})
}

// Text is what came on a stream.
func (r *Recorder) Text(s executor.Stream) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.streams[s].String()
}

// Err says whether output came twice, or with a gap.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wrong
}

// Await returns when a stream contains text, or false when done is closed first.
func (r *Recorder) Await(done <-chan struct{}, s executor.Stream, text string) bool {
	for {
		r.mu.Lock()
		found := bytes.Contains(r.streams[s].Bytes(), []byte(text))
		changed := r.changed
		r.mu.Unlock()
		if found {
			return true
		}
		select {
		case <-changed:
		case <-done:
			return false
		}
	}
}
