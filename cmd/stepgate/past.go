package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/state"
)

// past is a run read from the journal, or the part of it that can be read.
type past struct {
	store   *state.Store
	id      string
	run     *run.Run
	records []run.Record
	problem error // why the rest can't be read; nil: it is whole
}

// openPast finds a run and folds it; the journal is open for reading only. Of a
// damaged run it has what can be read, down to the first bad event.
func openPast(ctx context.Context, ref string) (*past, error) {
	store, err := readJournal(ctx)
	if err != nil {
		return nil, err
	}
	p := &past{store: store}
	if err := p.load(ctx, ref); err != nil {
		store.Close() //nolint:errcheck,gosec // the load's error matters; nothing was written
		return nil, err
	}
	return p, nil
}

func (p *past) load(ctx context.Context, ref string) (err error) {
	if p.id, err = p.store.Find(ctx, ref); err != nil {
		return err
	}
	p.records, p.problem = p.store.Load(ctx, p.id)
	if len(p.records) == 0 {
		return errors.Join(fmt.Errorf("read run %q: it has no events that can be read", p.id), p.problem)
	}
	pl, _, err := replan(ctx, p.store, p.records)
	if err != nil {
		return errors.Join(err, p.problem)
	}
	if p.run, err = run.Fold(pl, p.records); err != nil && p.run.Seq > 0 {
		p.records, p.problem, err = p.records[:p.run.Seq], errors.Join(p.problem, err), nil
	}
	return err
}

// trouble says in a line why the end of the run couldn't be read; empty: it could.
func (p *past) trouble() string {
	if p.problem == nil {
		return ""
	}
	return p.problem.Error()
}

// complaint tells, behind what could be read, that it isn't all.
func (p *past) complaint(s streams) error {
	if p.problem == nil {
		return nil
	}
	_, _ = fmt.Fprintf(s.err, "stepgate: this is the run up to event %d; the journal could be read in part only\n", p.run.Seq)
	return exitWith(exitFailed, p.problem)
}

// transcript is what reports of the run are made from.
func (p *past) transcript(ctx context.Context) report.Transcript {
	return report.Transcript{Run: p.run, Records: p.records, Now: now(), Output: p.output(ctx), Problem: p.trouble()}
}

func (p *past) close() { p.store.Close() } //nolint:errcheck,gosec // nothing was written

// blobs is where a run's sources are kept.
type blobs interface {
	Blob(ctx context.Context, sha string) ([]byte, error)
}

// replan makes the plan of a run from what its journal kept, to be looked at, and
// proves that it is the plan the run was started with. Nobody is asked for its
// secrets: they are masked.
func replan(ctx context.Context, b blobs, records []run.Record) (*plan.Plan, run.RunStarted, error) {
	return replanWith(ctx, b, records, maskSecrets)
}

// maskSecrets binds masks instead of secrets.
func maskSecrets(s *source, book *runbook.Runbook, given []string) (plan.Values, error) {
	values, missing, errs := plan.Bind(book, s.given)
	for i, v := range values {
		if slices.Contains(given, v.Param.Name) && v.Param.Secret {
			values[i].Set, values[i].Any = true, text.Masked
		}
	}
	missing = slices.DeleteFunc(missing, func(p runbook.Param) bool { return slices.Contains(given, p.Name) })
	if len(missing) > 0 {
		errs = append(errs, missingValues(missing))
	}
	return values, errors.Join(errs...)
}

// binder finds the values of a version's runbook, among them the secrets that
// were given.
type binder func(s *source, book *runbook.Runbook, given []string) (plan.Values, error)

// replanWith is replan with the values that bind finds. Of a run that has adopted
// other versions of its runbook it is the latest, with those before it.
func replanWith(ctx context.Context, b blobs, records []run.Record, bind binder) (*plan.Plan, run.RunStarted, error) {
	versions := run.Versions(records)
	if len(versions) == 0 {
		return nil, run.RunStarted{}, fmt.Errorf("read run %q: its first event is %s", records[0].RunID, run.Kind(records[0].Event))
	}
	var p *plan.Plan
	for i, v := range versions {
		with := maskSecrets // of what is only looked at
		if i == len(versions)-1 {
			with = bind
		}
		next, err := planVersion(ctx, b, records[0].RunID, v, with)
		if err != nil {
			return nil, v, err
		}
		next.Earlier, p = p, next
	}
	return p, versions[len(versions)-1], nil
}

// planVersion plans a version of a run, and proves that it is the plan that was
// journaled.
func planVersion(ctx context.Context, b blobs, id string, v run.RunStarted, bind binder) (*plan.Plan, error) {
	s, err := keptSource(ctx, b, v)
	if err != nil {
		return nil, err
	}
	book, inv, err := s.parse()
	if err != nil {
		return nil, err
	}
	values, err := bind(s, book, v.Secrets)
	if err != nil {
		return nil, err
	}
	p, err := planOf(book, values, inv)
	if err != nil {
		return nil, err
	}
	if p.Digest != v.Digest {
		return nil, text.WithHint(
			fmt.Errorf("plan run %q: this version plans %s from its runbook, the run was started with %s", id, short(p.Digest), short(v.Digest)),
			"resume it with the version that started it: "+v.Version)
	}
	return p, nil
}

// keptSource is a run's source as its journal kept it. No file is read.
func keptSource(ctx context.Context, b blobs, started run.RunStarted) (*source, error) {
	s := &source{
		name: started.Runbook, file: started.Runbook, dir: started.Dir, given: maps.Clone(started.Values),
		invFile: started.InventoryFile, parts: map[string][]byte{}, lab: started.Lab,
	}
	var err error
	if s.book, err = b.Blob(ctx, started.Source); err != nil {
		return nil, fmt.Errorf("read the runbook kept for the run: %w", err)
	}
	for name, sha := range started.Parts {
		if s.parts[name], err = b.Blob(ctx, sha); err != nil {
			return nil, fmt.Errorf("read %q, kept for the run: %w", name, err)
		}
	}
	if started.Inventory != "" {
		if s.inv, err = b.Blob(ctx, started.Inventory); err != nil {
			return nil, fmt.Errorf("read the inventory kept for the run: %w", err)
		}
	}
	return s, nil
}

// driver has the run name who drives it now. Its events name who took it last,
// also when that process has ended without a word. What a damaged journal can't
// tell stays as the events have it.
func (p *past) driver(ctx context.Context) {
	info, err := infoOf(ctx, p.store, p.id)
	if err == nil {
		p.run.Holder = info.Holder
	}
}

func refOf(args []string) string {
	if len(args) == 0 {
		return "last"
	}
	return args[0]
}
