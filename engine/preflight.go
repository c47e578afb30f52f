package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"stepgate/executor"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// PreflightOptions are what a preflight needs of its surroundings.
type PreflightOptions struct {
	// Hosts opens a host, as [Options.Hosts]. Those opened go on into the run that
	// begins with [Options.Preflight].
	Hosts    func(name string, ask executor.Asker) (executor.Executor, error)
	Attended bool // a person answers what logins ask ([run.Preflight.Prompt])
	Now      func() time.Time
	// Start is what the run would begin with; only its Title, Dir and Lab count.
	Start run.RunStarted
	// Beside looks at what is no host: the journal, other runs, the runbook's text. nil:
	// nothing.
	Beside func(ctx context.Context) []run.Finding
}

// reaching is how many hosts are looked at at a time.
const reaching = 16

// Preflight looks at all that a run needs before it begins: whether its hosts are
// reached, who they are, and whether they have what the plan needs of them. It changes
// nothing but what reaching a host needs. Its methods may be called concurrently.
type Preflight struct {
	o       PreflightOptions
	plan    *plan.Plan
	secrets *secrets
	desk    *desk
	needs   map[string]*need

	ctx    context.Context // of everything it does
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	changes chan struct{}

	mu     sync.Mutex
	hosts  map[string]*host // guarded by mu, as is all that follows
	seen   []run.HostFound
	found  map[string][]run.Finding // by host; "" what is no host
	notes  []run.Finding            // what hosts' configurations ask for and isn't done
	told   *run.Foretold
	prompt *prompted
	keys   []run.Event // host keys that were accepted
	busy   bool
	looked bool
	doing  string
	given  bool // its hosts are a run's
	closed bool
}

var _ front = (*Preflight)(nil)

// NewPreflight begins a preflight. Nothing is looked at before [Preflight.Look].
func NewPreflight(ctx context.Context, o PreflightOptions, p *plan.Plan) *Preflight {
	f := &Preflight{
		o: o, plan: p, secrets: newSecrets(p), changes: make(chan struct{}, 1),
		hosts: map[string]*host{}, found: map[string][]run.Finding{},
	}
	f.desk = newDesk(f.secrets.redactor, f)
	f.ctx, f.cancel = context.WithCancel(ctx)
	var order []string
	f.needs, order = needsOf(p)
	for _, name := range order {
		f.seen = append(f.seen, run.HostFound{Name: name, Free: -1})
	}
	return f
}

// Snapshot returns the latest view.
func (f *Preflight) Snapshot() *run.Preflight {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.view()
}

// Changes is signalled when there is something new to see.
func (f *Preflight) Changes() <-chan struct{} { return f.changes }

// Look looks at everything; once it has, at what was not as it should be. It returns
// at once, and does nothing while something is being looked at.
func (f *Preflight) Look() { f.begin(f.look) }

// Respond answers the question of a login that is shown.
func (f *Preflight) Respond(a run.Respond) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.prompt.take(a); err != nil {
		return err
	}
	f.prompt = nil
	f.changed()
	return nil
}

// Close ends what is being looked at, and the connections, unless a run has them. nil
// has none.
func (f *Preflight) Close() error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.cancel()
	f.tasks.Wait()
	f.mu.Lock()
	hosts, given := f.hosts, f.given
	f.mu.Unlock()
	if given {
		return nil
	}
	return closeAll(hosts)
}

// begin does something beside, unless something is being done.
func (f *Preflight) begin(do func(context.Context)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy || f.closed {
		return
	}
	f.busy = true
	f.changed()
	f.tasks.Go(func() {
		do(f.ctx)
		f.update(func() { f.busy, f.doing = false, "" })
	})
}

// look looks at what wasn't, and at what wasn't fine.
func (f *Preflight) look(ctx context.Context) {
	f.mu.Lock()
	again := f.looked
	f.looked = true
	var bad []string
	for i, h := range f.seen {
		if !h.Seen || h.Worst != run.Fine {
			f.seen[i] = run.HostFound{Name: h.Name, Free: -1}
			delete(f.found, h.Name)
			bad = append(bad, h.Name)
		}
	}
	beside := f.o.Beside != nil && (!again || run.Worst(f.found[""]) != run.Fine)
	if beside {
		f.doing = "the journal and the runbook"
	}
	f.changed()
	f.mu.Unlock()
	var wg sync.WaitGroup
	if beside {
		wg.Go(func() {
			found := f.o.Beside(ctx)
			f.update(func() { f.found[""], f.doing = f.masked(found), "" })
		})
	}
	room := make(chan struct{}, reaching)
	for _, name := range bad {
		wg.Go(func() {
			select {
			case room <- struct{}{}:
				defer func() { <-room }()
			case <-ctx.Done():
				return
			}
			found := f.visit(ctx, name)
			if ctx.Err() != nil {
				return
			}
			f.update(func() {
				f.found[name] = f.masked(found)
				f.host(name, func(h *run.HostFound) { h.Seen, h.Doing, h.Worst = true, "", run.Worst(found) })
			})
		})
	}
	wg.Wait()
}

// host changes what is known of a host. Called with mu held.
func (f *Preflight) host(name string, change func(*run.HostFound)) {
	for i := range f.seen {
		if f.seen[i].Name == name {
			change(&f.seen[i])
		}
	}
}

func (f *Preflight) update(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	f.changed()
}

func (f *Preflight) changed() {
	select {
	case f.changes <- struct{}{}:
	default:
	}
}

// view is what is known by now. Called with mu held.
func (f *Preflight) view() *run.Preflight {
	s := &run.Preflight{
		Title: f.o.Start.Title, Hosts: slices.Clone(f.seen), Foretold: f.told, Busy: f.busy, Doing: f.doing, At: f.o.Now(),
		Findings: slices.Concat(f.found[""], f.notes),
	}
	for _, h := range s.Hosts {
		s.Findings = append(s.Findings, f.found[h.Name]...)
	}
	s.Findings = append(s.Findings, f.twins()...)
	run.WorstFirst(s.Findings)
	if f.prompt != nil {
		p := f.prompt.Prompt
		s.Prompt = &p
	}
	return s
}

// masked are findings as they may be shown and kept.
func (f *Preflight) masked(found []run.Finding) []run.Finding {
	return f.secrets.findings(found)
}

func (f *Preflight) attended() bool        { return f.o.Attended }
func (f *Preflight) left() context.Context { return f.ctx }
func (f *Preflight) show(q *prompted)      { f.update(func() { f.prompt = q }) }

func (f *Preflight) accepted(e run.HostKeyAccepted) {
	f.update(func() { f.keys = append(f.keys, e) })
}

// say keeps what a host's configuration asks for and isn't done.
func (f *Preflight) say(line string) {
	f.update(func() {
		f.notes = append(f.notes, f.masked([]run.Finding{{ID: run.Ignored, Severity: run.Fine, What: line}})...)
	})
}

// events are what the run that begins has to write down.
func (f *Preflight) events() []run.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	events := slices.Clone(f.keys)
	done := run.Preflighted{}
	for _, s := range f.seen {
		if h := f.hosts[s.Name]; h != nil && h.known {
			events = append(events, run.HostSeen{Host: s.Name, Identity: h.identity})
			done.Hosts++
		}
	}
	for _, x := range f.view().Findings {
		if x.Severity != run.Fine {
			done.Findings = append(done.Findings, x)
		}
	}
	return append(events, done)
}

// handOn gives its hosts, and who has logged in to them, to a run. nil has none.
func (f *Preflight) handOn(e *Engine) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.given = true
	e.hosts, e.desk = f.hosts, f.desk
	for name, h := range f.hosts {
		if h.known {
			e.live.hosts[name] = run.HostState{State: "connected"}
		}
	}
	var shows front = e
	f.desk.front.Store(&shows)
}
