package engine

import (
	"bytes"
	"context"
	"sync"
	"time"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook/text"
)

// judged is how much of each stream an expect may see, in bytes.
const judged = 8 << 20

// shown is how much stays of an output that is larger, in bytes.
const shown = 64 << 10

// tail holds what a command printed, for its expect. It is a sink.
type tail struct {
	mu     sync.Mutex
	stream [2]bytes.Buffer
	both   bytes.Buffer
	next   [2]int64
	cut    bool
	also   func(s executor.Stream, offset int64, p []byte) // nil: nothing
	end    func()                                          // the output is whole; nil: nothing
	kept   [2]int64                                        // lengths as the journal counts them; the sink's callers' own
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
	switch {
	case t.cut:
	case t.stream[s].Len()+len(p) > judged:
		t.cut = true // it isn't judged any more: its beginning is enough to be read
		for _, b := range []*bytes.Buffer{&t.stream[0], &t.stream[1], &t.both} {
			*b = *bytes.NewBuffer(bytes.Clone(b.Bytes()[:min(b.Len(), shown)]))
		}
	default:
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
	redactor *text.Redactor
	journal  Journal
	now      func() time.Time
	failed   func(error)

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

func newRecorder(masks *text.Redactor, j Journal, now func() time.Time, failed func(error)) *recorder {
	return &recorder{redactor: masks, journal: j, now: now, failed: failed, notify: map[string]func(){}}
}

// attempt returns the sink for an attempt's output. progress is called with
// the lengths so far after each commit. Secrets are masked on the way, so that
// offsets count what is kept, not what was printed.
func (r *recorder) attempt(id string, progress func([2]int64)) *tail {
	t := newTail()
	masked := [2]*text.Redaction{r.redactor.Stream(), r.redactor.Stream()}
	var seen [2]int64
	keep := func(s executor.Stream, p []byte) {
		if len(p) == 0 {
			return
		}
		r.add(Chunk{Attempt: id, Stream: int(s), Offset: t.kept[s], At: r.now(), Data: p}, func() {
			t.mu.Lock()
			n := t.next
			t.mu.Unlock()
			progress(n)
		})
		t.kept[s] += int64(len(p))
	}
	t.also = func(s executor.Stream, offset int64, p []byte) {
		t.kept[s] += offset - seen[s] // what was left out stays so
		seen[s] = offset + int64(len(p))
		keep(s, masked[s].Append(nil, p))
	}
	t.end = func() {
		for s, m := range masked {
			keep(executor.Stream(s), m.Close(nil))
		}
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

// omitted counts the bytes of each stream that the journal doesn't keep. total is
// what was printed.
func (r *recorder) omitted(ctx context.Context, attempt string, t *tail, total [2]int64) (n [2]int64, err error) {
	for s := range total {
		total[s] += t.kept[s] - t.next[s] // masks have another length than what they mask
		kept, err := r.journal.OutputKept(context.WithoutCancel(ctx), attempt, s)
		if err != nil {
			r.failed(err)
			return n, err
		}
		n[s] = total[s] - kept.Bytes
	}
	return n, nil
}
