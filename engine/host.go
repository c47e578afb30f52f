package engine

import (
	"context"
	"errors"
	"fmt"

	"stepgate/executor"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// host is an open executor with what it said of itself. Guarded by hostsMu,
// except name and exec, which never change.
type host struct {
	name     string
	exec     executor.Executor
	identity run.Identity
	known    bool // identity is what answered last
}

// open returns the host's executor without talking to it.
func (e *Engine) open(name string) (*host, error) {
	e.hostsMu.Lock()
	defer e.hostsMu.Unlock()
	h, ok := e.hosts[name]
	if ok {
		return h, nil
	}
	exec, err := e.o.Hosts(name, e.desk)
	if err != nil {
		return nil, fmt.Errorf("open host %q: %w", name, err)
	}
	h = &host{name: name, exec: exec}
	e.hosts[name] = h
	return h, nil
}

func closeAll(hosts map[string]*host) error {
	var errs []error
	for _, h := range hosts {
		errs = append(errs, h.exec.Close())
	}
	return errors.Join(errs...)
}

// reached is a host that answers, and who it is.
type reached struct {
	*host
	identity run.Identity
}

// reach identifies the host, unless it has answered since it was last lost, and
// journals what it said. A host that is another machine than earlier in the run is
// an error.
func (e *Engine) reach(ctx context.Context, name string) (reached, error) {
	h, err := e.open(name)
	if err != nil {
		e.lost(ctx, name, err)
		return reached{}, err
	}
	e.hostsMu.Lock()
	known, seen := h.known, h.identity
	e.hostsMu.Unlock()
	if known {
		return reached{h, seen}, nil
	}
	e.hostState(name, run.HostState{State: "connecting"})
	id, err := h.exec.Identify(ctx)
	if err != nil {
		e.lost(ctx, name, err)
		return reached{}, err
	}
	seen = identityOf(id)
	before, ok := e.state().Hosts[name]
	if ok && before.MachineID != seen.MachineID {
		err := fmt.Errorf("reach host %q: another machine answers than earlier in this run (%s, was %s)", name, seen.MachineID, before.MachineID)
		e.lost(ctx, name, err)
		return reached{}, err
	}
	e.hostState(name, run.HostState{State: "connected"})
	if !ok || before != seen {
		if err := e.append(ctx, run.HostSeen{Host: name, Identity: seen}); err != nil {
			return reached{}, err
		}
	}
	e.hostsMu.Lock()
	h.identity, h.known = seen, true
	e.hostsMu.Unlock()
	return reached{h, seen}, nil
}

// forget makes the next dispatch ask the host anew who it is.
func (e *Engine) forget(name string) {
	e.hostsMu.Lock()
	defer e.hostsMu.Unlock()
	if h := e.hosts[name]; h != nil {
		h.known = false
	}
}

func (e *Engine) hostState(name string, s run.HostState) {
	e.update(func(l *live) { l.hosts[name] = s })
}

// lost notes that a host did not answer, with its remedy where one is known. That
// nobody waits for the answer any more is no such thing.
func (e *Engine) lost(ctx context.Context, name string, err error) {
	e.forget(name)
	if ctx.Err() != nil {
		e.hostState(name, run.HostState{})
		return
	}
	s := run.HostState{State: "lost", Error: e.secrets.redactor.String(err.Error())}
	var re *executor.ReachError
	if errors.As(err, &re) {
		s.Hint = re.Hint
	} else {
		s.Hint = text.HintOf(err)
	}
	e.hostState(name, s)
}

func identityOf(h executor.Host) run.Identity {
	return run.Identity{
		MachineID: h.MachineID, BootID: h.BootID, HostKey: h.HostKey, User: h.User,
		Hostname: h.Hostname, System: h.System, Dir: h.Dir, DirID: h.DirID, Degraded: h.Degraded,
	}
}

// hostOf is the host as a dispatch to it was pinned.
func hostOf(id run.Identity) executor.Host {
	return executor.Host{
		MachineID: id.MachineID, BootID: id.BootID, HostKey: id.HostKey, User: id.User,
		Hostname: id.Hostname, System: id.System, Dir: id.Dir, DirID: id.DirID, Degraded: id.Degraded,
	}
}
