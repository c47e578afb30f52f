package engine

import (
	"bytes"
	"context"
	"sync"
	"time"

	"stepgate/checks"
	"stepgate/executor"
)

// judged is how much of each stream an expect may see, in bytes.
const judged = 8 << 20

// tail holds what a command printed, for its expect. It is a sink.
type tail struct {
	mu     sync.Mutex
	stream [2]bytes.Buffer
	both   bytes.Buffer
	next   [2]int64
	cut    bool
	also   func(s executor.Stream, offset int64, p []byte) // nil: nothing
}

func newTail() *tail { return &tail{} }

// Output takes a piece. A piece that overlaps what was delivered before (after
// a reconnect) is taken from where it is new.
func (t *tail) Output(s executor.Stream, offset int64, p []byte) {
	t.mu.Lock()
	if old := t.next[s] - offset; old > 0 {
		if old >= int64(len(p)) {
			t.mu.Unlock()
			return
		}
		p, offset = p[old:], t.next[s]
	}
	t.next[s] = offset + int64(len(p))
	if t.stream[s].Len()+len(p) > judged {
		t.cut = true
	} else {
		t.stream[s].Write(p)
		t.both.Write(p)
	}
	t.mu.Unlock()
	if t.also != nil {
		t.also(s, offset, p)
	}
}

func (t *tail) observation() checks.Observation {
	t.mu.Lock()
	defer t.mu.Unlock()
	return checks.Observation{Stdout: t.stream[0].String(), Stderr: t.stream[1].String(), Output: t.both.String()}
}

// recorder writes attempts' output into the journal, at most one commit in
// flushEvery or flushBytes.
type recorder struct {
	journal Journal
	now     func() time.Time
	failed  func(error)

	mu      sync.Mutex
	pending []Chunk
	size    int
	timer   *time.Timer
	notify  map[string]func() // by attempt, of what is pending
	commit  sync.Mutex        // one commit at a time, in order
}

const (
	flushEvery = 100 * time.Millisecond
	flushBytes = 4 << 20
)

func newRecorder(j Journal, now func() time.Time, failed func(error)) *recorder {
	return &recorder{journal: j, now: now, failed: failed, notify: map[string]func(){}}
}

// attempt returns the sink for an attempt's output. progress is called with
// the lengths so far after each commit.
func (r *recorder) attempt(id string, progress func([2]int64)) *tail {
	t := newTail()
	t.also = func(s executor.Stream, offset int64, p []byte) {
		r.add(Chunk{Attempt: id, Stream: int(s), Offset: offset, At: r.now(), Data: bytes.Clone(p)}, func() {
			t.mu.Lock()
			n := t.next
			t.mu.Unlock()
			progress(n)
		})
	}
	return t
}

func (r *recorder) add(c Chunk, notify func()) {
	r.mu.Lock()
	r.pending = append(r.pending, c)
	r.size += len(c.Data)
	r.notify[c.Attempt] = notify
	full := r.size >= flushBytes
	if !full && r.timer == nil {
		r.timer = time.AfterFunc(flushEvery, func() { _ = r.flush(context.Background()) }) // failed is told
	}
	r.mu.Unlock()
	if full {
		_ = r.flush(context.Background()) // in the reader's own goroutine: it slows the reader down; failed is told
	}
}

// flush commits what is pending. Whoever calls it, failed is told of an error:
// what could not be kept is gone, so nothing may go on as if it were there.
func (r *recorder) flush(ctx context.Context) error {
	r.commit.Lock()
	defer r.commit.Unlock()
	r.mu.Lock()
	chunks, notify := r.pending, r.notify
	r.pending, r.size, r.notify = nil, 0, map[string]func(){}
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
	r.mu.Unlock()
	if len(chunks) == 0 {
		return nil
	}
	if err := r.journal.AppendOutput(context.WithoutCancel(ctx), chunks...); err != nil {
		r.failed(err)
		return err
	}
	for _, tell := range notify {
		tell()
	}
	return nil
}

func (r *recorder) close(ctx context.Context) error { return r.flush(ctx) }

func (r *recorder) read(ctx context.Context, attempt string, stream int, from int64, max int) ([]byte, int64, int64, error) {
	return r.journal.Output(ctx, attempt, stream, from, max)
}

// omitted counts the bytes of each stream that the journal doesn't keep.
func (r *recorder) omitted(ctx context.Context, attempt string, total [2]int64) (n [2]int64, err error) {
	for s := range total {
		kept, err := r.journal.OutputKept(context.WithoutCancel(ctx), attempt, s)
		if err != nil {
			r.failed(err)
			return n, err
		}
		n[s] = total[s] - kept.Bytes
	}
	return n, nil
}
