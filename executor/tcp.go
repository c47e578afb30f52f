package executor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// TCPResult is what became of the lines of a TCP probe. It exits with 0 when every
// line holds, and with 1 when a line doesn't.
type TCPResult struct {
	Exit   int
	Stdout string // one line each, in the order written: "host:port accepts a connection" …
	Stderr string // the lines that don't hold, and why
}

// Reach tries the addresses of text, all at once: lines "host:port" that must accept
// a connection, and lines "closed host:port" that must not. Blank lines and what
// follows a # are left out. Nothing is sent.
//
// Refused is an answer. No answer until ctx ends, no route, an unknown name or an
// unreachable host is none: when such a line could still decide, the error says so,
// and the result holds what was found of the others.
func Reach(ctx context.Context, text string, d Dialer) (TCPResult, error) {
	targets, err := readTargets(text)
	if err != nil {
		return TCPResult{}, err
	}
	var all sync.WaitGroup
	limit := make(chan struct{}, reachAtOnce)
	for i := range targets {
		all.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			targets[i].reach(ctx, from(d))
		})
	}
	all.Wait()
	return weigh(targets)
}

// reachAtOnce bounds the connections that are opened at the same time.
const reachAtOnce = 32

// target is one line of a TCP probe.
type target struct {
	address string
	closed  bool // it must not accept a connection
	accepts bool
	err     error // why there is no answer
}

func readTargets(text string) ([]target, error) {
	var out []target
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		t := target{}
		switch {
		case len(words) == 0:
			continue
		case len(words) == 2 && words[0] == "closed":
			t.closed, t.address = true, words[1]
		case len(words) == 1:
			t.address = words[0]
		default:
			return nil, fmt.Errorf("read line %d of the tcp probe: %q is neither host:port nor closed host:port", n, strings.TrimSpace(line))
		}
		host, port, err := net.SplitHostPort(t.address)
		if err != nil {
			return nil, fmt.Errorf("read line %d of the tcp probe: %w", n, err)
		}
		if p, err := strconv.ParseUint(port, 10, 16); err != nil || p == 0 || host == "" {
			return nil, fmt.Errorf("read line %d of the tcp probe: %q is no host:port", n, t.address)
		}
		out = append(out, t)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the tcp probe: %w", err)
	}
	if len(out) == 0 {
		return nil, errors.New("read the tcp probe: it names no host:port")
	}
	return out, nil
}

func (t *target) reach(ctx context.Context, d Dialer) {
	c, err := d.Dial(ctx, "tcp", t.address)
	switch {
	case err == nil:
		t.accepts = true
		_ = c.Close() // it was opened, which is all that was asked
	case errors.Is(err, syscall.ECONNREFUSED):
	default:
		t.err = err
	}
}

// weigh gives the probe's answer. A line that doesn't hold decides, whatever became
// of the others.
func weigh(targets []target) (TCPResult, error) {
	var r TCPResult
	var unknown []error
	for _, t := range targets {
		word := "refuses connections"
		switch {
		case t.err != nil:
			word = "gave no answer"
			unknown = append(unknown, t.err)
		case t.accepts:
			word = "accepts a connection"
		}
		r.Stdout += t.address + " " + word + "\n"
		if t.err == nil && t.accepts == t.closed {
			r.Exit = 1
			must := "must accept a connection"
			if t.closed {
				must = "must be closed"
			}
			r.Stderr += t.address + " " + word + ", and " + must + "\n"
		}
	}
	if r.Exit == 0 && len(unknown) > 0 {
		return r, errors.Join(unknown...)
	}
	return r, nil
}
