package executor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Attempts to go on after a lost connection, before Follow gives up: the pauses
// between them. Progress starts the count anew.
var followPauses = []time.Duration{0, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second}

// followPatience bounds how long Follow waits for new connections before it gives up
// without progress: its caller then asks the host, and tells the operator.
const followPatience = 4 * time.Second

// errLookCloser says that the attempt seems not to go on by itself.
var errLookCloser = errors.New("the runner isn't seen alive")

// Follow implements [Executor].
func (s *shell) Follow(ctx context.Context, a Attempt, from Offsets, sink Sink) (Result, error) {
	if err := a.check(); err != nil {
		return Result{}, fmt.Errorf("follow attempt: %w", err)
	}
	f := &follower{shell: s, attempt: a, at: from, sink: sink}
	failures := 0
	var lost time.Time // since when there was no progress; zero: there may be
	for {
		before := f.at
		res, err := f.once(ctx, lost)
		if err == nil {
			return res, nil
		}
		if ctx.Err() != nil {
			return Result{}, context.Cause(ctx)
		}
		if errors.Is(err, errYielded) {
			continue
		}
		if errors.Is(err, errLookCloser) {
			err = f.lookCloser(ctx)
			if err == nil {
				continue
			}
			var fate *FateError
			if errors.As(err, &fate) {
				return Result{}, err
			}
		}
		if f.at != before || lost.IsZero() {
			failures, lost = 0, time.Now()
		}
		if failures >= len(followPauses) || time.Since(lost) >= followPatience {
			return Result{}, fmt.Errorf("follow attempt %s: %w", a.ID, err)
		}
		select {
		case <-ctx.Done():
			return Result{}, context.Cause(ctx)
		case <-time.After(followPauses[failures]):
		}
		failures++
	}
}

// follower is one Follow across its connections.
type follower struct {
	shell   *shell
	attempt Attempt
	at      Offsets
	sink    Sink
}

// lookCloser asks for the attempt's fate; nil means follow on.
func (f *follower) lookCloser(ctx context.Context) error {
	rep, err := f.shell.Probe(ctx, f.attempt, false)
	if err != nil {
		return err
	}
	switch rep.Fate {
	case Finished, Running:
		return nil
	case Orphan, NeverStarted, Died, Rebooted, Foreign:
	}
	return &FateError{Report: rep}
}

// once follows over one session. When there is none since lost, a new connection
// must come within the patience.
func (f *follower) once(ctx context.Context, lost time.Time) (Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	connecting, connected := ctx, context.CancelFunc(func() {})
	if !lost.IsZero() {
		connecting, connected = context.WithDeadline(ctx, lost.Add(followPatience))
	}
	p, err := f.shell.program(connecting)
	connected()
	if err != nil {
		return Result{}, err
	}
	p.setAttempt(f.attempt)
	p.set("sg_off1", strconv.FormatInt(f.at[Stdout], 10))
	p.set("sg_off2", strconv.FormatInt(f.at[Stderr], 10))
	r, w := io.Pipe()
	turn := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		exit, err := f.shell.t.run(ctx, call{
			frame:  p.frame("frame", "process", "identity", "attempt", "probe", "follow"),
			stdout: w, lasting: true, yields: turn,
		})
		if err == nil {
			err = fmt.Errorf("the host stopped sending output (exit %d)", exit)
		}
		_ = w.CloseWithError(err) // never fails
		ended <- err
	}()
	res, err := f.read(bufio.NewReaderSize(r, 64<<10), p.nonce, turn)
	cancel()
	_ = r.Close() // never fails
	<-ended       //nolint:errcheck // read has seen it: the pipe was closed with it
	return res, err
}

// read takes in the answer of one session, which has had its turn with the first of it.
func (f *follower) read(r *bufio.Reader, nonce string, turn chan<- struct{}) (Result, error) {
	var exit, size string
	closer := false
	for first := true; ; first = false {
		key, value, err := readReplyLine(r, nonce)
		if err != nil {
			return Result{}, err
		}
		switch key {
		case "data":
			if err := f.data(r, value); err != nil {
				return Result{}, err
			}
		case "exit":
			exit = value
		case "bytes":
			size = value
		case "look":
			closer = true
		case "error":
			return Result{}, fmt.Errorf("ask the host: %s", value)
		case "end":
			if closer {
				return Result{}, errLookCloser
			}
			return parseResult(exit, size)
		}
		if first {
			close(turn)
		}
	}
}

// data delivers one slice of output: "STREAM OFFSET LENGTH" and the bytes.
func (f *follower) data(r *bufio.Reader, about string) error {
	n, err := numbers(about, 3)
	if err != nil {
		return err
	}
	stream, length := Stream(n[0]-1), n[2]
	if (n[0] != 1 && n[0] != 2) || n[1] != f.at[stream] {
		return fmt.Errorf("follow attempt %s: the host sent %q, wanted offset %v", f.attempt.ID, about, f.at)
	}
	buf := make([]byte, min(length, 64<<10))
	for length > 0 {
		k, err := io.ReadFull(r, buf[:min(length, int64(len(buf)))])
		if k > 0 {
			if f.sink != nil {
				f.sink.Output(stream, f.at[stream], buf[:k])
			}
			f.at[stream] += int64(k)
			length -= int64(k)
		}
		if err != nil {
			return fmt.Errorf("read output: %w", err)
		}
	}
	return nil
}
