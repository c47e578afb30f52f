package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"stepgate/executor"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// Statements, requests and probes may go over a background process: a tunnel, a port
// forward. That nothing answers while it is down says nothing of what they are meant for.
// A process that doesn't listen where they go is another matter: a benchmark that died is
// no reason to take its server's silence for anything but silence.

const (
	// unready is how long a process that was up may take until it listens.
	unready = 30 * time.Second
	// downSeen is how long the end of a background process may go unnoticed.
	downSeen = time.Second
)

// portLooks are when, after a process is up, it is looked where it listens, until it does.
var portLooks = []time.Duration{500 * time.Millisecond, 2 * time.Second, 6 * time.Second, 15 * time.Second, 45 * time.Second}

// listens is where a background process listens, as far as that is known.
type listens struct {
	known   bool
	ports   map[string]bool // in this life or an earlier one
	attempt string          // that was seen to listen
}

// portsOf prints the TCP ports that processes of the attempt $LOOK_FOR listen on, in hex.
const portsOf = `[ -r /proc/net/tcp ] || exit 3
inodes=" "
for file in $(grep -l "STEPGATE_ATTEMPT=$LOOK_FOR" /proc/[0-9]*/environ 2>/dev/null); do
	set -f
	for word in $(ls -l "${file%environ}fd" 2>/dev/null); do
		case $word in
		socket:*) word=${word#socket:?} inodes="$inodes${word%?} " ;;
		esac
	done
done
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | while read -r sl at to state queue timer retry uid timeout inode rest; do
	[ "$state" = 0A ] || continue
	case $inodes in
	*" $inode "*) echo "${at##*:}" ;;
	esac
done
exit 0
`

// ports finds out where the process listens, if anything of the plan could go there.
func (k *keeper) ports(ctx context.Context, h *host, a *run.Attempt) {
	if k.b.Monitor != nil || !exchanges(k.e.plan) {
		return
	}
	waited := time.Duration(0)
	for _, at := range portLooks {
		if sleep(ctx, at-waited) != nil {
			return
		}
		waited = at
		lctx, cancel := context.WithTimeout(ctx, runbook.DefaultCheckTimeout)
		t := newTail()
		r, err := h.exec.Look(lctx, executor.Command{
			Interpreter: "sh", Body: portsOf, User: a.Intent.Dispatch.User,
			Env: []executor.Var{{Name: "LOOK_FOR", Value: a.Intent.Attempt}},
		}, t)
		cancel()
		if err != nil || r.Exit != 0 {
			continue
		}
		found := strings.Fields(t.observation().Stdout)
		k.e.mu.Lock()
		was := k.e.listening[k.name]
		now := listens{known: true, ports: map[string]bool{}, attempt: was.attempt}
		for port := range was.ports {
			now.ports[port] = true
		}
		for _, hex := range found {
			if n, err := strconv.ParseUint(hex, 16, 16); err == nil {
				now.ports[strconv.FormatUint(n, 10)], now.attempt = true, a.Intent.Attempt
			}
		}
		k.e.listening[k.name] = now
		k.e.mu.Unlock()
		if len(found) > 0 {
			return
		}
	}
}

// exchanges reports whether anything of a plan is statements, a request or a probe.
func exchanges(p *plan.Plan) bool {
	return slices.ContainsFunc(p.Steps, func(s *plan.Step) bool {
		fences := slices.Concat(s.Book.Done, s.Book.Before, s.Book.After, s.Book.Monitors)
		if s.Book.Command != nil {
			fences = append(fences, s.Book.Command)
		}
		return slices.ContainsFunc(fences, func(f *runbook.Fence) bool {
			return f.Form == runbook.SQL || f.Form == runbook.HTTP || f.Form == runbook.TCP
		})
	})
}

// destination is where an exchange goes.
type destination struct {
	via     string // host that it goes through; empty: it goes out from here
	address string // host:port
}

// destinations are where an exchange may go.
func (e *Engine) destinations(p place, d run.Dispatch) []destination {
	if d.Form == "sql" {
		servers, err := e.servers(p, d.Via)
		if err != nil {
			return nil
		}
		var out []destination
		for _, s := range servers {
			out = append(out, destination{s.via, s.Address})
		}
		return out
	}
	via, err := e.viaHost(p.c, d.Via, e.state().Names(p.c, p.where))
	if err != nil {
		return nil
	}
	var out []destination
	for _, word := range strings.Fields(d.Body) {
		if d.Form == "tcp" {
			if _, _, err := net.SplitHostPort(word); err == nil {
				out = append(out, destination{via, word})
			}
			continue
		}
		u, err := url.Parse(word)
		if err != nil || u.Host == "" {
			continue
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		return []destination{{via, net.JoinHostPort(u.Hostname(), port)}}
	}
	return out
}

// leadsTo reports whether an exchange may go over a background command: it goes to where
// that runs, and to a port that it listens on, or may.
func (e *Engine) leadsTo(b run.Background, to destination, known listens) bool {
	host, port, err := net.SplitHostPort(to.address)
	if err != nil || b.Monitor != nil {
		return false
	}
	via := to.via
	if via == "" {
		via = plan.Local
	}
	ip := net.ParseIP(host)
	here := via == b.Where && (host == "localhost" || ip != nil && ip.IsLoopback())
	own := b.Where != plan.Local && addressOf(e.plan.Hosts[b.Where].SSH, port) == to.address
	return (here || own) && (!known.known || known.ports[port])
}

// overDown says which background process is down that an exchange may have gone over,
// when it wasn't answered; "": none is. With wait it is given a moment to show.
func (e *Engine) overDown(ctx context.Context, p place, d run.Dispatch, wait bool) string {
	to := e.destinations(p, d)
	for last := !wait; ; last = true {
		over := false
		for _, b := range e.state().Backgrounds() {
			if d.Form == "tcp" && b.Cell.Key == p.c.Key {
				continue // whether it is there is what the probe is for
			}
			e.mu.Lock()
			known, shown := e.listening[nameOf(b)], e.live.keeping[nameOf(b)]
			e.mu.Unlock()
			if !slices.ContainsFunc(to, func(to destination) bool { return e.leadsTo(b, to, known) }) {
				continue
			}
			over = true
			switch {
			case !b.Up() || shown.State != up:
				return fmt.Sprintf("the background process %s, which it may go over, is down: %s", called(b), whyDown(shown))
			case known.attempt != b.Latest.Intent.Attempt && since(e.o.Now(), b.Latest.Up) < unready:
				return fmt.Sprintf("the background process %s, which it may go over, was not seen to listen yet", called(b))
			}
		}
		if last || !over || sleep(ctx, downSeen) != nil {
			return ""
		}
	}
}

func whyDown(s run.Keeping) string {
	switch {
	case s.Why != "":
		return s.Why
	case s.State != "":
		return "it is " + s.State
	}
	return "it has not been started yet"
}

// excuse is why a check that wasn't answered decides nothing; nil: there is no such reason.
func (e *Engine) excuse(ctx context.Context, p place, d run.Dispatch, cause error) error {
	why := e.overDown(ctx, p, d, false)
	switch {
	case why == "":
		return nil
	case cause == nil:
		return errors.New(why)
	}
	return fmt.Errorf("%w; %s", cause, why)
}
