package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// unlookTimeout bounds how long the end of a look on its host is waited for.
const unlookTimeout = 5 * time.Second

// beginGrace is how long the first line of a look whose context has ended may
// still be under way.
const beginGrace = time.Second

// Look implements [Executor].
func (s *shell) Look(ctx context.Context, c Command, sink Sink) (Result, error) {
	if err := c.check(); err != nil {
		return Result{}, fmt.Errorf("look: %w", err)
	}
	p := newProgram()
	p.setCommand(c)
	frame, err := s.as(ctx, c.User, p, "frame", "process", "command", "look")
	if err != nil {
		return Result{}, fmt.Errorf("look: %w", err)
	}
	l := newLookOutput(p.nonce, sink)
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		exit, err := s.t.run(running, call{
			frame: frame, stdout: lookStream{l, Stdout}, stderr: lookStream{l, Stderr}, over: l.over, lasting: true,
		})
		if err == nil {
			err = l.unfinished(exit)
		}
		ended <- err
		close(ended)
	}()
	select {
	case err = <-ended:
	case <-ctx.Done():
		// The command may run already while the line that says so is under way:
		// hanging up now would leave it.
		select {
		case <-l.begun:
		case <-ended: //nolint:errcheck // received again below
		case <-time.After(beginGrace):
		}
		asked := time.Now()
		known, err := s.unlook(context.WithoutCancel(ctx), c.User, l)
		took := time.Since(asked)
		cancel()
		<-ended //nolint:errcheck // the context ended it
		if known && err == nil {
			return Result{}, &EndedError{Took: took, Cause: context.Cause(ctx)}
		}
		return Result{}, errors.Join(context.Cause(ctx), err)
	}
	if err != nil {
		// The link may be gone with the command going on.
		_, left := s.unlook(context.WithoutCancel(ctx), c.User, l)
		return Result{}, fmt.Errorf("look: %w", errors.Join(err, left))
	}
	return l.result(), nil
}

// unlook ends a look on its host: its whole process group, verified. known is false when
// the host hasn't said which one that is, because the command hasn't begun.
func (s *shell) unlook(ctx context.Context, user string, l *lookOutput) (known bool, err error) {
	select {
	case <-l.begun:
	default:
		return false, nil // its shell can't write its first line any more and ends there
	}
	ctx, cancel := context.WithTimeout(ctx, unlookTimeout)
	defer cancel()
	f := strings.SplitN(l.about, " ", 4)
	if len(f) != 4 {
		return true, fmt.Errorf("end the look: the host's answer %q isn't known", l.about)
	}
	p := newProgram()
	p.set("sg_pid", f[0])
	p.set("sg_pgid", f[2])
	p.set("sg_tmp", f[3])
	frame, err := s.as(ctx, user, p, "frame", "process", "unlook")
	if err != nil {
		return true, fmt.Errorf("end the look on its host: %w", err)
	}
	r, err := s.askFrame(ctx, p.nonce, frame, false)
	if err != nil {
		return true, fmt.Errorf("end the look on its host: %w", err)
	}
	if left := r.get("left"); left != "" {
		return true, fmt.Errorf("end the look on its host: processes %s are still alive", left)
	}
	return true, nil
}
