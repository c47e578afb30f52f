package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stepgate/engine"
	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/lint"
	"stepgate/runbook/plan"
	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/state"
	"stepgate/tui"
	"stepgate/tui/plain"
	"stepgate/tui/wording"
)

// registerPreflight is the flag of what begins a run.
func (d *driveFlags) registerPreflight(c *cobra.Command) {
	c.Flags().BoolVar(&d.noPreflight, "no-preflight", false, "begin without looking first at hosts, sudo, tools, clocks and the journal")
}

// preflight looks at what a run needs before it begins. Its connections go on in the
// run; nil: there is none. A run that isn't to begin is an error.
func (d driveFlags) preflight(ctx context.Context, st streams, src *source, p *plan.Plan) (*engine.Preflight, error) {
	if d.noPreflight {
		return nil, nil
	}
	journal, err := glance(ctx, st)
	if err != nil {
		return nil, err
	}
	f := src.preflight(ctx, p, !d.auto, func(ctx context.Context) []run.Finding {
		return slices.Concat(journal, src.otherRuns(ctx, p), src.linted(p, d.screen(st)))
	})
	begin, err := d.decide(ctx, st, f)
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() == nil:
		err = exitWith(exitCtrlC, errors.New("interrupted at the preflight: nothing was begun, nothing was changed"))
	case err != nil:
	case !begin:
		err = exitWith(exitAborted, errors.New("left at the preflight: nothing was begun, nothing was changed"))
	default:
		return f, nil
	}
	return nil, errors.Join(err, f.Close())
}

// decide says whether the run begins.
func (d driveFlags) decide(ctx context.Context, st streams, f *engine.Preflight) (bool, error) {
	if d.screen(st) && !d.auto {
		return tui.Preflight(ctx, f, st.screen())
	}
	lines := &plain.Preflight{Port: f, Out: st.out}
	if d.auto {
		lines.Out, lines.Quiet = st.err, true
		s, err := lines.Look(ctx)
		if err == nil {
			err = hindered(s)
		}
		if s.Count(run.Obstacle) > 0 && d.json {
			err = errors.Join(text.WriteJSON(st.out, hindrances{s.Findings[:s.Count(run.Obstacle)]}), err)
		}
		return err == nil, err
	}
	tty, err := openTTY(st)
	if err != nil {
		return false, err
	}
	lines.In = tty
	s, err := lines.Look(ctx)
	if err != nil {
		return false, err
	}
	return lines.Decide(ctx, s)
}

// hindrances are what keeps an unattended run from beginning, for programs.
type hindrances struct {
	Obstacles []run.Finding `json:"obstacles"`
}

// hindered is the error of what stands in the way of a run; nil: nothing does.
func hindered(s *run.Preflight) error {
	if s.Count(run.Obstacle) == 0 {
		return nil
	}
	code := exitFailed
	for _, f := range s.Findings {
		if f.Severity == run.Obstacle && f.ID == run.NotReached {
			code = exitReach
		}
	}
	return exitWith(code, text.WithHint(fmt.Errorf("nothing was begun: %s", wording.InTheWay(s)),
		"put right what is said above, or begin without looking first: --no-preflight"))
}

// glance looks at the journal before anything else does. What keeps it from being
// opened ends the preflight, as it would end the run.
func glance(ctx context.Context, st streams) ([]run.Finding, error) {
	found := state.Glance(journalPath())
	if run.Worst(found) != run.Obstacle {
		return found, nil
	}
	store, err := openJournal(ctx, st)
	if err != nil {
		return nil, err
	}
	for i, f := range found { // accepted by a flag
		if f.Severity == run.Obstacle {
			found[i].Severity = run.Warning
		}
	}
	return found, store.Close()
}

// preflight is that of a plan of the source's.
func (s *source) preflight(ctx context.Context, p *plan.Plan, attended bool, beside func(context.Context) []run.Finding) *engine.Preflight {
	start := run.RunStarted{Title: p.Text(p.Title, p.Root.Scope, nil), Runbook: s.name, Dir: s.dir, Lab: s.lab, SSH: s.ssh}
	return engine.NewPreflight(ctx, engine.PreflightOptions{
		Hosts: opener(p, start), Attended: attended, Now: now, Start: start, Beside: beside,
	}, p)
}

// linted are the warnings about the runbook; those of reading it, too, where they
// haven't been printed.
func (s *source) linted(p *plan.Plan, all bool) []run.Finding {
	found := lint.Book(p.Book)
	if s.inv != nil {
		if inv, _ := inventory.Parse(s.invFile, s.inv); inv != nil {
			found = append(found, lint.Inventory(p.Book, inv)...)
		}
	}
	if all {
		found = append(slices.Clone(s.notices), found...)
	}
	var out []run.Finding
	for _, d := range found {
		if d.Severity == runbook.Warning {
			out = append(out, run.Finding{
				ID: "lint." + d.Rule, Severity: run.Warning, Do: d.Remedy,
				What: fmt.Sprintf("%s:%d:%d: %s", d.Pos.File, d.Pos.Line, d.Pos.Col, d.Text),
			})
		}
	}
	return out
}

// otherRuns are open runs of the same runbook on the same hosts.
func (s *source) otherRuns(ctx context.Context, p *plan.Plan) (found []run.Finding) {
	sum := sha256.Sum256(s.book)
	mine := hex.EncodeToString(sum[:])
	err := allRuns(ctx, func(store *state.Store, infos []state.Info) error {
		for _, i := range infos {
			if i.Closed != "" || i.Problem != "" {
				continue
			}
			first, err := store.Part(ctx, i.ID, 0, 1)
			if err != nil || len(first) == 0 {
				continue
			}
			other, ok := first[0].Event.(run.RunStarted)
			if !ok || other.Lab != s.lab || other.Source != mine && (other.Dir != s.dir || stem(other.Runbook) != stem(s.name)) {
				continue
			}
			if hosts, same := s.shared(ctx, store, p, other); same {
				found = append(found, otherRun(i, hosts))
			}
		}
		return nil
	})
	if err != nil {
		found = append(found, run.Finding{
			ID: run.OtherRun, Severity: run.Warning, What: "whether another run is open can't be told: " + err.Error(),
			Why: "two runs of one runbook would get in each other's way", Do: "stepgate doctor",
		})
	}
	return found
}

// shared are the hosts that another run of the runbook has, too. Without any host both
// work on this machine.
func (s *source) shared(ctx context.Context, store *state.Store, p *plan.Plan, other run.RunStarted) (hosts []string, same bool) {
	theirs := map[string]bool{}
	if other.Inventory != "" {
		if b, err := store.Blob(ctx, other.Inventory); err == nil {
			if inv, _ := inventory.Parse(other.InventoryFile, b); inv != nil {
				for _, h := range inv.Hosts {
					theirs[h.SSH] = true
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Hosts)) {
		if theirs[p.Hosts[name].SSH] {
			hosts = append(hosts, name)
		}
	}
	return hosts, len(hosts) > 0 || len(theirs) == 0 && len(p.Hosts) == 0 && filepath.Clean(other.Dir) == filepath.Clean(s.dir)
}

// mostNamed is how many hosts a finding names.
const mostNamed = 5

func otherRun(i state.Info, hosts []string) run.Finding {
	where := "on this machine"
	if n := len(hosts); n > mostNamed {
		where = fmt.Sprintf("on %s and %d more of the same hosts", strings.Join(hosts[:mostNamed], ", "), n-mostNamed)
	} else if n > 0 {
		where = "on the same hosts: " + strings.Join(hosts, ", ")
	}
	driven := "nobody drives it now"
	if i.Holder != "" {
		driven = "driven by " + i.Holder
	}
	return run.Finding{
		ID: run.OtherRun, Severity: run.Warning,
		What: fmt.Sprintf("run %s of this runbook is open %s (begun %s, %s)", i.ID, where, report.Time(i.Started), driven),
		Why:  "two runs of one runbook get in each other's way, and what one has done the other doesn't know",
		Do:   "go on with it: stepgate resume " + i.ID + "; or look at it: stepgate show " + i.ID,
	}
}
