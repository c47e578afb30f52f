package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stepgate/runbook"
	"stepgate/runbook/lint"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/state"
	"stepgate/tui"
	"stepgate/tui/plain"
)

// drift is how a run's files differ by now from what the run goes by.
type drift struct {
	files   []string // that differ
	src     *source  // as they are now
	next    *plan.Plan
	changes []run.Change
	bars    []run.Change // what keeps the new version from being adopted
	problem error        // why the new version can't be planned
}

// version tells how a run's files differ by now, and has the run go on with them
// where a person wants that and nothing is in the way. It returns the run's events.
func (o *resuming) version(ctx context.Context, st streams, store *state.Store, records []run.Record) ([]run.Record, error) {
	d, err := o.differs(ctx, st, store, records)
	if err != nil {
		return nil, err
	}
	if d == nil {
		if o.adopt {
			_, _ = fmt.Fprintln(st.err, "the runbook and its inventory are as the run has them; there is nothing to adopt")
		}
		return records, nil
	}
	d.say(st)
	if !o.adopt {
		adopt, err := o.wanted(ctx, st, d, records[0].RunID)
		if err != nil || !adopt {
			return records, err
		}
	}
	if err := d.refused(records[0].RunID); err != nil {
		return nil, err
	}
	if err := adoptVersion(ctx, store, records[0].RunID, d); err != nil {
		return nil, held(err, records[0].RunID)
	}
	return store.Load(ctx, records[0].RunID)
}

// wanted asks a person whether the run goes on with the new version. Without one,
// and where it can't, it goes on with what it has.
func (o *resuming) wanted(ctx context.Context, st streams, d *drift, id string) (bool, error) {
	if d.refused(id) != nil {
		_, _ = fmt.Fprintln(st.err, "the new version can't be adopted; the run goes on with the stored text")
		return false, nil
	}
	if o.drive.auto || !st.terminal() {
		_, _ = fmt.Fprintln(st.err, "the run goes on with the stored text; to take the new version: stepgate resume "+id+" --adopt")
		return false, nil
	}
	tty, err := openTTY(st)
	if err != nil {
		return false, err
	}
	if err := tty.Flush(); err != nil {
		return false, err
	}
	answers, err := plain.Ask(ctx, tty, st.err, []tui.Question{{
		Name: "version", Prompt: "go on with the stored text, or adopt the new version", Type: "choice", Choices: []string{"stored", "adopt"}, Default: "stored",
		Validate: func(v string) error {
			if v != "stored" && v != "adopt" {
				return errors.New("type stored, or adopt")
			}
			return nil
		},
	}})
	return err == nil && answers["version"] == "adopt", err
}

// differs compares a run's files with what its journal kept; nil: they are the
// same, or aren't there any more.
func (o *resuming) differs(ctx context.Context, st streams, store *state.Store, records []run.Record) (*drift, error) {
	versions := run.Versions(records)
	if len(versions) == 0 {
		return nil, fmt.Errorf("read run %q: it doesn't begin with its start", records[0].RunID)
	}
	v := versions[len(versions)-1]
	kept, err := keptSource(ctx, store, v)
	if err != nil {
		return nil, err
	}
	fresh, err := freshSource(kept, v)
	if errors.Is(err, fs.ErrNotExist) {
		_, _ = fmt.Fprintln(st.err, "the run goes on with the stored text: "+text.Line(text.Untrusted(err.Error())))
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	_, _ = runbook.Parse(fresh.file, fresh.book, fresh.keeping) // reads the parts; planning tells what is wrong
	d := &drift{src: fresh}
	if !bytes.Equal(kept.book, fresh.book) {
		d.files = append(d.files, fresh.name)
	}
	for _, name := range slices.Sorted(maps.Keys(fresh.parts)) {
		if old, ok := kept.parts[name]; !ok || !bytes.Equal(old, fresh.parts[name]) {
			d.files = append(d.files, name)
		}
	}
	if !bytes.Equal(kept.inv, fresh.inv) {
		d.files = append(d.files, fresh.invFile)
	}
	if d.files == nil {
		return nil, nil
	}
	d.plan(ctx, st, o, store, records)
	return d, ctx.Err()
}

// freshSource reads a run's files again. Its values are those of the run.
func freshSource(kept *source, v run.RunStarted) (*source, error) {
	s := &source{name: v.Runbook, dir: v.Dir, given: maps.Clone(v.Values), invFile: v.InventoryFile}
	if s.given == nil {
		s.given = map[string]string{}
	}
	path, book := filepath.Join(v.Dir, filepath.Base(v.Runbook)), []byte(nil)
	var err error
	if shipped(path) {
		path = v.Runbook
		if !shipped(path) { // another file, seen from here
			return nil, fmt.Errorf("read runbook %q: %w", filepath.Join(v.Dir, filepath.Base(v.Runbook)), fs.ErrNotExist)
		}
	}
	if s.file, _, book, err = readBook(path); err != nil {
		if codeOf(err) == exitNotFound {
			err = fmt.Errorf("read runbook %q in %q: %w", v.Runbook, v.Dir, fs.ErrNotExist)
		}
		return nil, err
	}
	s.book, s.file = book, v.Runbook
	if s.open = openShipped; !shipped(path) {
		s.open = openerFor(v.Dir)
	}
	if v.Inventory == "" {
		return s, nil
	}
	s.inv, err = os.ReadFile(v.InventoryFile)
	if errors.Is(err, fs.ErrNotExist) { // moved, or a simulated cluster's
		s.inv, err = kept.inv, nil
	}
	return s, err
}

// plan makes the plan of the new version, and compares it with the run's.
func (d *drift) plan(ctx context.Context, st streams, o *resuming, store *state.Store, records []run.Record) {
	was, v, err := replan(ctx, store, records)
	if err != nil {
		d.problem = err
		return
	}
	if d.next, d.problem = d.src.replanned(v.Secrets, o.given, func(missing []runbook.Param) (map[string]string, error) {
		if !o.adopt {
			return noAsk(missing)
		}
		return o.drive.ask(ctx, st, d.src, missing)
	}); d.problem != nil {
		return
	}
	d.changes = run.Changes(was, d.next)
	r, err := run.Fold(was, records)
	if err != nil {
		d.problem = err
		return
	}
	d.bars = r.Bars(d.next)
}

// replanned plans a source for a run that has begun: its values are those of the
// run, secrets are masked, and only values of new parameters are asked for.
func (s *source) replanned(secrets []string, given map[string]string, ask func([]runbook.Param) (map[string]string, error)) (*plan.Plan, error) {
	book, inv, err := s.parse()
	if err != nil {
		return nil, err
	}
	if diags := lint.Book(book); runbook.Failed(diags) {
		return nil, s.faulty(diags)
	}
	if err := runnable(book); err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, p := range book.Params {
		known[p.Name] = true
		if v, ok := given[p.Name]; ok && p.Secret {
			s.given[p.Name] = v
		}
	}
	maps.DeleteFunc(s.given, func(name, _ string) bool { return !known[name] })
	if err := s.fromInventory(book, inv); err != nil {
		return nil, err
	}
	var missing []runbook.Param
	if _, all, errs := plan.Bind(book, s.given); len(errs) > 0 {
		return nil, exitWith(exitUsage, errs[0])
	} else {
		missing = slices.DeleteFunc(all, func(p runbook.Param) bool { return slices.Contains(secrets, p.Name) })
	}
	if len(missing) > 0 {
		answers, err := ask(missing)
		if err != nil {
			return nil, err
		}
		maps.Copy(s.given, answers)
		maps.Copy(given, answers) // a secret isn't asked for again
	}
	values, err := maskSecrets(s, book, secrets)
	if err != nil {
		return nil, err
	}
	return planOf(book, values, inv)
}

// say tells what differs, step by step.
func (d *drift) say(st streams) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(st.err, format+"\n", args...) }
	line := func(s string) string { return text.Line(text.Untrusted(s)) }
	say("changed since this run was started: %s", line(strings.Join(d.files, ", ")))
	if d.problem != nil {
		first, _, _ := strings.Cut(d.problem.Error(), "\n")
		say("the new version can't be planned: %s", line(first))
		return
	}
	for _, c := range d.changes {
		say("  %-8s %s%s", c.How, line(c.Step), in(c.What))
	}
	if len(d.changes) == 0 {
		say("  no step differs")
	}
	for _, c := range d.bars {
		say("  in the way: %s was executed, and is %s in the new version%s", line(c.Step), c.How, in(c.What))
	}
}

func in(what string) string {
	if what == "" {
		return ""
	}
	return " (" + text.Line(text.Untrusted(what)) + ")"
}

// refused says why the new version can't be adopted.
func (d *drift) refused(id string) error {
	hint := "go on with the stored text: stepgate resume " + id
	switch {
	case d.problem != nil:
		err := fmt.Errorf("adopt the new version for run %q: %w", id, d.problem)
		return exitWith(codeOf(d.problem), text.WithHint(err, hint))
	case len(d.bars) > 0:
		names := make([]string, len(d.bars))
		for i, b := range d.bars {
			names[i] = b.String()
		}
		return usage(hint, "adopt the new version for run %q: what was executed isn't the same in it: %s", id, strings.Join(names, ", "))
	}
	return nil
}

// adoptVersion has the run go on with the new version from its next event on.
func adoptVersion(ctx context.Context, store *state.Store, id string, d *drift) error {
	asIf, err := d.src.started(ctx, store, d.next)
	if err != nil {
		return err
	}
	t, err := take(ctx, store, id, false)
	if err != nil {
		return err
	}
	// What was in the way is asked again under the lease: the run may have gone on.
	err = t.adopt(ctx, d.next, run.Adopted{
		Source: asIf.Source, Parts: asIf.Parts, Inventory: asIf.Inventory, Values: asIf.Values, Secrets: asIf.Secrets,
		Digest: asIf.Digest, Closure: asIf.Closure, Changes: d.changes,
	})
	return t.leave(ctx, err, "another version adopted")
}
