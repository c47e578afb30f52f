package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/executor"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Bounds of what a preflight looks at on a host.
const (
	clockWarning = 2 * time.Second
	clockWrong   = time.Minute
	spaceWarning = 256 << 20
	toolTime     = 30 * time.Second
)

// visit looks at a host: whether it lets us in, who it is, and whether it has what the
// plan needs of it.
func (f *Preflight) visit(ctx context.Context, name string) []run.Finding {
	v := &visit{f: f, name: name, need: f.needs[name]}
	v.doing("connecting")
	h, err := f.open(name)
	if err != nil {
		return v.add(unreached(run.NotReached, err))
	}
	id, err := h.exec.Identify(ctx)
	if err != nil {
		return v.add(unreached(run.NotReached, err))
	}
	v.exec = h.exec
	f.update(func() {
		h.identity, h.known = identityOf(id), true
		f.host(name, func(s *run.HostFound) {
			s.Reached, s.Identity, s.Free, s.Ahead = true, h.identity, id.FreeBytes, id.Ahead
		})
	})
	v.account(id)
	v.space(id)
	v.clock(id.Ahead)
	for _, a := range v.need.runs {
		if v.becomes(ctx, a) {
			v.shells(ctx, a)
		}
	}
	for _, t := range v.need.tools {
		v.tool(ctx, t)
	}
	return v.found
}

// open opens a host that the run will use; no I/O.
func (f *Preflight) open(name string) (*host, error) {
	f.mu.Lock()
	h := f.hosts[name]
	f.mu.Unlock()
	if h != nil {
		return h, nil
	}
	exec, err := f.o.Hosts(name, f.desk)
	if err != nil {
		return nil, err
	}
	h = &host{name: name, exec: exec}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hosts[name] = h
	return h, nil
}

// unreached is the finding of a host that didn't let us in.
func unreached(id string, err error) run.Finding {
	found := run.Finding{ID: id, Severity: run.Obstacle, What: err.Error(), Do: text.HintOf(err), Why: "the plan uses it"}
	var reach *executor.ReachError
	if errors.As(err, &reach) {
		found.What, found.Do = "not reached: "+reach.Cause.Error(), reach.Hint
	}
	return found
}

// visit is one host being looked at.
type visit struct {
	f     *Preflight
	name  string
	need  *need
	exec  executor.Executor
	found []run.Finding
}

func (v *visit) add(x run.Finding) []run.Finding {
	x.Host = v.name
	v.found = append(v.found, x)
	return v.found
}

func (v *visit) doing(what string) {
	v.f.update(func() { v.f.host(v.name, func(h *run.HostFound) { h.Doing = what }) })
}

// account says who answers, and whether it can keep attempts.
func (v *visit) account(id executor.Host) {
	v.add(run.Finding{ID: "host", Severity: run.Fine, What: fmt.Sprintf("%s@%s, %s", id.User, id.Hostname, id.System)})
	if id.Degraded != "" {
		x := run.Finding{
			ID: "host.attempts", Severity: run.Warning, What: "it can't keep attempts: " + id.Degraded,
			Why: "commands are refused there; the plan only looks at it",
		}
		if v.need.acts {
			x.Severity, x.Why = run.Obstacle, "what becomes of a command there could not be known, so none is sent"
			x.Do = "give the login a directory of its own on a local disk: mkdir -m 700 DIR, and set STEPGATE_DIR=DIR for it on the host"
		}
		v.add(x)
	}
	if id.System != "" && id.System != "Linux" && v.need.acts {
		v.add(run.Finding{
			ID: "host.system", Severity: run.Warning, What: "it runs " + id.System,
			Why: "an interrupted command is followed there with less certainty than on Linux",
		})
	}
}

// space looks at what is left where attempts keep their output.
func (v *visit) space(id executor.Host) {
	if v.need.acts && id.Dir != "" && id.FreeBytes >= 0 && id.FreeBytes < spaceWarning {
		v.add(run.Finding{
			ID: "host.space", Severity: run.Warning, What: fmt.Sprintf("%s are free in %s", text.Bytes(id.FreeBytes), id.Dir),
			Why: "what commands print is kept there whole", Do: "make room: df -h " + id.Dir,
		})
	}
}

func (v *visit) clock(ahead time.Duration) {
	off, where := ahead, "ahead"
	if ahead < 0 {
		off, where = -ahead, "behind"
	}
	if off < clockWarning {
		return
	}
	x := run.Finding{
		ID: "host.clock", Severity: run.Warning, What: fmt.Sprintf("its clock is at least %s %s", text.Duration(off.Truncate(time.Second)), where),
		Why: "times that its commands print differ from the transcript's", Do: "timedatectl set-ntp true",
	}
	if off >= clockWrong {
		x.Why = "certificates, leases and replication may fail by it; times that its commands print can't be compared with the transcript's"
	}
	v.add(x)
}

// becomes makes sure that an account's user can be become, whose password is kept for
// the run.
func (v *visit) becomes(ctx context.Context, a account) bool {
	if a.user == "" {
		return true
	}
	v.doing("sudo to " + a.user)
	err := v.exec.Ready(ctx, executor.Command{Interpreter: "sh", User: a.user})
	if err == nil {
		return true
	}
	x := unreached("host.sudo", err)
	x.What = strings.TrimPrefix(x.What, "not reached: ")
	x.Why = "steps there run as " + a.user
	v.add(x)
	return false
}

// shells looks for the interpreters of an account's scripts.
func (v *visit) shells(ctx context.Context, a account) {
	wanted := slices.DeleteFunc(slices.Clone(a.shells), func(s string) bool { return s == "sh" })
	if len(wanted) == 0 {
		return
	}
	v.doing("interpreters")
	var b strings.Builder
	for _, s := range wanted {
		fmt.Fprintf(&b, "command -v %s >/dev/null 2>&1 || echo 'stepgate-lacks %s'\n", s, s)
	}
	ob, err := v.look(ctx, executor.Command{Interpreter: "sh", Login: a.login, User: a.user, Body: b.String()})
	if err != nil {
		v.unsure("host.shell", "interpreters", err)
		return
	}
	for line := range strings.Lines(ob.Stdout) {
		s, lacks := strings.CutPrefix(strings.TrimSpace(line), "stepgate-lacks ")
		if !lacks || !slices.Contains(wanted, s) {
			continue
		}
		who := ""
		if a.user != "" {
			who = " for " + a.user
		}
		v.add(run.Finding{
			ID: "host.shell", Severity: run.Obstacle, What: fmt.Sprintf("there is no %s%s", s, who),
			Why: "fences of the runbook are written in it", Do: "install " + s + ", or put it on the PATH of the login",
		})
	}
}

// unsure says that something could not be looked at.
func (v *visit) unsure(id, what string, err error) {
	v.add(run.Finding{
		ID: id, Severity: run.Warning, What: what + " could not be looked for: " + err.Error(),
		Why: "they may be missing when a step needs them",
	})
}

// look runs a look of the preflight's own.
func (v *visit) look(ctx context.Context, c executor.Command) (checks.Observation, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, toolTime, fmt.Errorf("no answer within %s", toolTime))
	defer cancel()
	t := newTail()
	r, err := v.exec.Look(ctx, c, t)
	if err != nil {
		return checks.Observation{}, err
	}
	ob := t.observation()
	ob.Exit = r.Exit
	return ob, nil
}

var numbered = []*regexp.Regexp{regexp.MustCompile(`[0-9]+(?:\.[0-9]+)+`), regexp.MustCompile(`[0-9]+`)}

// tool looks for a program that the runbook names.
func (v *visit) tool(ctx context.Context, t plan.Tool) {
	v.doing("looking for " + t.Name)
	ob, err := v.look(ctx, executor.Command{Interpreter: "sh", Login: v.logsIn(), Body: toolLook(t.Tool)})
	if err != nil {
		v.unsure("host.tool", t.Name, err)
		return
	}
	x := run.Finding{ID: "host.tool", Severity: run.Obstacle, Why: "the runbook needs it", Do: t.Help}
	if x.Do == "" {
		x.Do = "install " + t.Name
	}
	if ob.Exit == 126 || ob.Exit == 127 || ob.Exit != 0 && t.Min == "" && t.Version == "" {
		x.What = "there is no " + t.Name
		v.add(x)
		return
	}
	if t.Min == "" && t.Version == "" {
		v.add(run.Finding{ID: "host.tool", Severity: run.Fine, What: t.Name + " is there"})
		return
	}
	have, ok := versionIn(ob)
	least, _ := checks.ParseVersion(t.Min)
	switch {
	case !ok:
		x.Severity, x.What = run.Warning, fmt.Sprintf("the version of %s can't be read (exit %d: %q)", t.Name, ob.Exit, firstLine(ob.Output))
		x.Why, x.Do = "the runbook needs "+leastVersion(t.Min), "correct the runbook's [tools."+t.Name+"] version"
	case t.Min != "" && have.Compare(least) < 0:
		x.What, x.Why = fmt.Sprintf("%s is %s", t.Name, have), "the runbook needs "+leastVersion(t.Min)
	default:
		x = run.Finding{ID: "host.tool", Severity: run.Fine, What: fmt.Sprintf("%s %s", t.Name, have)}
	}
	v.add(x)
}

// logsIn reports whether the runbook's scripts run there in login shells, whose PATH
// may be another.
func (v *visit) logsIn() bool {
	return slices.ContainsFunc(v.need.runs, func(a account) bool { return a.login })
}

// toolLook is what tells whether a tool is there, and its version when that matters.
func toolLook(t *runbook.Tool) string {
	there := "command -v " + t.Name + " >/dev/null 2>&1"
	switch {
	case t.Version != "":
		return t.Version + "\n"
	case t.Min != "":
		return there + " || exit 127\n" + t.Name + " --version\n"
	}
	return there + "\n"
}

// versionIn is the first number with a dot in what a command has printed, stdout before
// stderr; else the first number.
func versionIn(ob checks.Observation) (checks.Version, bool) {
	for _, form := range numbered {
		for _, out := range []string{ob.Stdout, ob.Stderr} {
			if v, err := checks.ParseVersion(form.FindString(out)); err == nil {
				return v, true
			}
		}
	}
	return checks.Version{}, false
}

func leastVersion(least string) string {
	if least == "" {
		return "to know it"
	}
	return "at least " + least
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return strings.ToValidUTF8(s[:min(len(s), 100)], "")
}

// twins says which names are one machine. Called with mu held.
func (f *Preflight) twins() (found []run.Finding) {
	if f.o.Start.Lab != "" {
		return nil // simulated hosts share this machine
	}
	machines := map[string][]run.HostFound{}
	for _, h := range f.seen {
		if h.Reached && h.Identity.MachineID != "" {
			machines[h.Identity.MachineID] = append(machines[h.Identity.MachineID], h)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(machines)) {
		if same := machines[id]; len(same) > 1 {
			found = append(found, f.twin(same))
		}
	}
	return found
}

func (f *Preflight) twin(same []run.HostFound) run.Finding {
	var names []string
	boots, addresses := map[string]bool{}, map[string]bool{}
	groups := map[string]int{}
	together := ""
	for _, h := range same {
		names = append(names, h.Name)
		boots[h.Identity.BootID], addresses[f.plan.Hosts[h.Name].SSH] = true, true
		for _, g := range f.needs[h.Name].groups {
			if groups[g]++; groups[g] > 1 && (together == "" || g < together) {
				together = g
			}
		}
	}
	all := strings.Join(names, ", ")
	switch {
	case len(boots) > 1:
		return run.Finding{
			ID: "host.twins", Severity: run.Warning, What: all + " have one machine id and were booted apart",
			Why: "they are told apart by it; machines that were copied have to be given new ones", Do: "on each copy: rm /etc/machine-id && systemd-machine-id-setup",
		}
	case together != "" && len(addresses) > 1:
		return run.Finding{
			ID: "host.twins", Severity: run.Warning, What: all + " are one machine, at different addresses",
			Why: "group " + together + " has it more than once: what is done to one is done to all of them", Do: "look at their ssh in the inventory",
		}
	}
	return run.Finding{ID: "host.twins", Severity: run.Fine, What: all + " are one machine"}
}
