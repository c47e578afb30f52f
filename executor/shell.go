package executor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

var (
	errClosed      = errors.New("the executor is closed")
	errTruncated   = errors.New("the payload was cut off on its way; nothing was started")
	errReplyTooBig = errors.New("read the host's answer: it is too long")
)

// exitTruncated is the bootstrap's exit status for a payload without its end.
const exitTruncated = 76

// shell implements [Executor] over any transport: a constant bootstrap, programs on
// its stdin.
type shell struct {
	t    transport
	sudo sudoer
}

var _ Executor = (*shell)(nil)

func newShell(t transport, ask Asker) *shell { return &shell{t: t, sudo: sudoer{ask: ask}} }

// Close implements [Executor].
func (s *shell) Close() error { return s.t.close() }

// ask runs a program that answers in lines.
func (s *shell) ask(ctx context.Context, p *program, detaches bool, scripts ...string) (reply, error) {
	return s.askFrame(ctx, p.nonce, p.frame(scripts...), detaches)
}

func (s *shell) askFrame(ctx context.Context, nonce string, frame []byte, detaches bool) (reply, error) {
	var out, errs limitedBuffer
	exit, err := s.t.run(ctx, call{frame: frame, stdout: &out, stderr: &errs, detaches: detaches})
	if err != nil {
		return nil, err
	}
	if exit == exitTruncated {
		return nil, errTruncated
	}
	r, err := parseReply(nonce, out.Bytes())
	if err != nil && errs.Len() > 0 {
		err = fmt.Errorf("%w (%s)", err, strings.TrimSpace(lastLine(errs.String())))
	}
	return r, err
}

// program begins a program that asks who the host is. The key of the host is what a
// host without a machine id is known by, so there is a connection first.
func (s *shell) program(ctx context.Context) (*program, error) {
	if err := s.t.connect(ctx); err != nil {
		return nil, err
	}
	p := newProgram()
	p.set("sg_hostkey", s.t.hostKey())
	return p, nil
}

// Start implements [Executor].
func (s *shell) Start(ctx context.Context, a Attempt) (Claim, error) {
	if err := errors.Join(a.check(), a.Command.check()); err != nil {
		return Refused, &RefusedError{Reason: err.Error()}
	}
	p, err := s.program(ctx)
	if err != nil {
		return 0, fmt.Errorf("start attempt %s: %w", a.ID, err)
	}
	p.setAttempt(a)
	if err := s.carry(ctx, p, a.Command); err != nil {
		return Refused, &RefusedError{Reason: err.Error()}
	}
	scripts := []string{"frame", "process", "identity", "attempt", "command", "become", "mask", "claim"}
	if a.Leash > 0 {
		scripts = append(scripts, "probe", "others", "leash")
	}
	r, err := s.ask(ctx, p, true, append(scripts, "start")...)
	if err != nil {
		return 0, fmt.Errorf("start attempt %s: %w", a.ID, err)
	}
	refused := &RefusedError{Reason: r.get("reason"), Record: r.get("record")}
	switch r.get("claim") {
	case "started":
		return Started, nil
	case "attached":
		return Attached, nil
	case "known":
		return Known, refused
	case "refused":
		return Refused, refused
	}
	return 0, fmt.Errorf("start attempt %s: the host's answer %q isn't known", a.ID, r.get("claim"))
}

// Probe implements [Executor].
func (s *shell) Probe(ctx context.Context, a Attempt, fence bool) (Report, error) {
	value := "0"
	if fence {
		value = "1"
	}
	return s.report(ctx, a, "sg_fence", value, "probe_main")
}

// Signal implements [Executor].
func (s *shell) Signal(ctx context.Context, a Attempt, sig Signal) (Report, error) {
	switch sig {
	case Term:
		return s.report(ctx, a, "sg_signal", "TERM", "signal")
	case Kill:
		return s.report(ctx, a, "sg_signal", "KILL", "signal")
	}
	return Report{}, fmt.Errorf("signal attempt %s: signal %d isn't known", a.ID, sig)
}

// Beat implements [Executor].
func (s *shell) Beat(ctx context.Context, a Attempt) error {
	if err := a.check(); err != nil {
		return fmt.Errorf("beat for attempt: %w", err)
	}
	p, err := s.program(ctx)
	if err != nil {
		return fmt.Errorf("beat for attempt %s: %w", a.ID, err)
	}
	p.setAttempt(a)
	if _, err := s.ask(ctx, p, false, "frame", "process", "identity", "attempt", "beat"); err != nil {
		return fmt.Errorf("beat for attempt %s: %w", a.ID, err)
	}
	return nil
}

// report runs a script that ends with the attempt's fate; it gets one variable.
func (s *shell) report(ctx context.Context, a Attempt, name, value, script string) (Report, error) {
	if err := a.check(); err != nil {
		return Report{}, fmt.Errorf("probe attempt: %w", err)
	}
	p, err := s.program(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("probe attempt %s: %w", a.ID, err)
	}
	p.setAttempt(a)
	p.set(name, value)
	if script == "signal" {
		b, err := s.become(ctx, a.Command.User)
		if err != nil {
			return Report{}, fmt.Errorf("signal attempt %s: %w", a.ID, err)
		}
		p.setNobody()
		if b.user != "" {
			p.setUser(b)
		}
	}
	r, err := s.ask(ctx, p, false, "frame", "process", "identity", "attempt", "become", "probe", "others", script)
	if err != nil {
		return Report{}, fmt.Errorf("probe attempt %s: %w", a.ID, err)
	}
	return parseReport(r)
}

var fates = map[string]Fate{
	"finished": Finished, "running": Running, "orphan": Orphan, "never": NeverStarted,
	"died": Died, "rebooted": Rebooted, "foreign": Foreign,
}

func parseReport(r reply) (Report, error) {
	rep := Report{Fate: fates[r.get("fate")], Processes: r["proc"], Detail: r.get("detail")}
	if rep.Fate == 0 {
		return Report{}, fmt.Errorf("ask the host: the fate %q isn't known", r.get("fate"))
	}
	n, err := numbers(r.get("bytes"), 2)
	if err != nil {
		return Report{}, err
	}
	rep.Offsets = Offsets{n[0], n[1]}
	if rep.Fate == Finished {
		rep.Result, err = parseResult(r.get("exit"), r.get("bytes"))
	}
	return rep, err
}

// parseResult reads "EXIT SECONDS" and "STDOUT STDERR".
func parseResult(exit, size string) (Result, error) {
	e, err := numbers(exit, 2)
	if err != nil {
		return Result{}, err
	}
	n, err := numbers(size, 2)
	if err != nil {
		return Result{}, err
	}
	return Result{Exit: int(e[0]), Took: time.Duration(e[1]) * time.Second, Bytes: Offsets{n[0], n[1]}}, nil
}

// numbers reads exactly n numbers that aren't negative.
func numbers(s string, n int) ([]int64, error) {
	fields := strings.Fields(s)
	out := make([]int64, 0, n)
	for _, f := range fields {
		v, err := strconv.ParseInt(f, 10, 64)
		if err != nil || v < 0 {
			break
		}
		out = append(out, v)
	}
	if len(fields) != n || len(out) != n {
		return nil, fmt.Errorf("ask the host: %q isn't %d numbers", s, n)
	}
	return out, nil
}

// limitedBuffer keeps an answer, which is small by its nature.
type limitedBuffer struct{ bytes.Buffer }

var _ io.Writer = (*limitedBuffer)(nil)

// Write implements io.Writer.
func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxReplyLine {
		return 0, errReplyTooBig
	}
	return b.Buffer.Write(p)
}

func lastLine(s string) string {
	s = strings.TrimRight(s, "\n")
	return s[strings.LastIndexByte(s, '\n')+1:]
}
