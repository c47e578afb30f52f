package executor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// identifyTimeout bounds how long a host that has let us in takes to say who it is.
const identifyTimeout = 30 * time.Second

// errNotRun says that a host's answer has not a line of what was to be run there.
var errNotRun = errors.New("the account doesn't run the commands it is given")

// errSlow says that a host that has let us in didn't answer.
var errSlow = fmt.Errorf("no answer within %s of the login", identifyTimeout)

// Identify implements [Executor]. A host that lets us in and doesn't run what it is
// given, as under ForceCommand, gives a *ReachError.
func (s *shell) Identify(ctx context.Context) (Host, error) {
	p, err := s.program(onPurpose(ctx))
	if err != nil {
		return Host{}, fmt.Errorf("identify host: %w", err)
	}
	asking, cancel := context.WithTimeoutCause(ctx, identifyTimeout, errSlow)
	defer cancel()
	var out, errs limitedBuffer
	begun := time.Now()
	exit, err := s.t.run(asking, call{
		frame: p.frame("frame", "process", "identity", "identify"), stdout: &out, stderr: &errs,
	})
	if err := s.unlike(ctx, asking, p.nonce, &out, &errs, exit, err); err != nil {
		return Host{}, fmt.Errorf("identify host: %w", err)
	}
	r, err := parseReply(p.nonce, out.Bytes())
	if err != nil {
		return Host{}, fmt.Errorf("identify host: %w", err)
	}
	h := Host{
		MachineID: r.get("machine"), BootID: r.get("boot"), HostKey: s.t.hostKey(), User: r.get("user"),
		Hostname: r.get("hostname"), System: r.get("system"), Dir: r.get("dir"), DirID: r.get("dir_id"),
		Degraded: r.get("degraded"), FreeBytes: -1, Ahead: ahead(r.get("clock"), begun, time.Now()),
	}
	if n, err := numbers(r.get("free_kib"), 1); err == nil {
		h.FreeBytes = n[0] << 10
	}
	return h, nil
}

// ahead is how far, at least, a clock is ahead of this machine's, when it showed that
// at some moment from begun to ended: seconds, and nanoseconds where the host's date
// has them. Negative: behind. A clock that can't be told to be off is 0.
func ahead(showed string, begun, ended time.Time) time.Duration {
	seconds, fraction, _ := strings.Cut(showed, ".")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return 0
	}
	first := time.Unix(n, 0)
	last := first.Add(time.Second)
	if nanos, err := strconv.ParseInt(fraction, 10, 64); err == nil && len(fraction) == 9 && nanos >= 0 {
		first = time.Unix(n, nanos)
		last = first
	}
	switch {
	case first.After(ended):
		return first.Sub(ended)
	case last.Before(begun):
		return last.Sub(begun)
	}
	return 0
}

// unlike is the error of a call that hasn't led to an answer of ours.
func (s *shell) unlike(ctx, asking context.Context, nonce string, out, errs *limitedBuffer, exit int, err error) error {
	ours := bytes.HasPrefix(out.Bytes(), []byte(nonce+" ")) || bytes.Contains(out.Bytes(), []byte("\n"+nonce+" "))
	var reach *ReachError
	switch {
	case ctx.Err() != nil || errors.As(err, &reach) || ours && err == nil:
		return err
	case ours || err != nil && asking.Err() == nil && !errors.Is(err, errReplyTooBig):
		return err
	case asking.Err() != nil:
		err = context.Cause(asking)
	case err == nil:
		err = fmt.Errorf("it ended with exit code %d", exit)
	}
	err = fmt.Errorf("%w: %w", errNotRun, err)
	for _, said := range []*limitedBuffer{errs, out} {
		if line := strings.TrimSpace(lastLine(strings.TrimSpace(said.String()))); line != "" {
			err = fmt.Errorf("%w; it says %.200q", err, line)
			break
		}
	}
	return s.t.unreached(err, "the account needs a shell and no ForceCommand in sshd_config, no command=\"…\" in authorized_keys, "+
		"and no profile file that ends or replaces the shell")
}
