package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/state"
)

// taken is a run that this process holds without driving it: a person settles
// something about it, and no host is asked.
type taken struct {
	store   *state.Store
	lease   run.Lease
	run     *run.Run
	secrets *text.Redactor
}

// take takes the lease of a run and says so in its journal.
func take(ctx context.Context, store *state.Store, id string, force bool) (_ *taken, err error) {
	lease, err := leaseOf(ctx, store, id, force)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lease.Release())
		}
	}()
	t := &taken{store: store, lease: lease}
	records, err := store.Load(ctx, id)
	if err != nil {
		return nil, err
	}
	p, started, err := replan(ctx, store, records)
	if err != nil {
		return nil, err
	}
	t.secrets = givenSecrets(started)
	if t.run, err = run.Fold(p, records); err != nil {
		return nil, err
	}
	if t.run.Closed != "" {
		return nil, closedRun("take", id, t.run.Closed)
	}
	return t, t.append(ctx, run.LeaseTaken{Holder: holder(), Forced: forced(lease)})
}

func leaseOf(ctx context.Context, store *state.Store, id string, force bool) (run.Lease, error) {
	if force {
		return store.TakeLeaseForced(ctx, id, holder())
	}
	return store.TakeLease(ctx, id, holder())
}

// forced reports whether somebody was in the way of a lease taken by force.
func forced(l run.Lease) bool {
	f, ok := l.(interface{ Forced() bool })
	return ok && f.Forced()
}

// givenSecrets masks the secrets of a run as far as the environment gives them:
// nobody is asked for them to settle something.
func givenSecrets(started run.RunStarted) *text.Redactor {
	var values []string
	for _, name := range started.Secrets {
		values = append(values, os.Getenv("STEPGATE_VAR_"+name))
	}
	return text.NewRedactor(values...)
}

// append makes events durable. The rules of a run are asked first.
func (t *taken) append(ctx context.Context, events ...run.Event) error {
	r := t.run
	for i, e := range events {
		var err error
		rec := run.Record{RunID: r.ID, Seq: r.Seq + 1, Epoch: t.lease.Epoch(), Wall: now(), Actor: operator(), Event: e}
		if r, err = run.Apply(r.Plan, r, rec); err != nil {
			return fmt.Errorf("write event %d of %d: %w", i+1, len(events), err)
		}
	}
	// What has happened is written down even while everything else is being ended.
	records, err := t.store.Append(context.WithoutCancel(ctx), t.lease, operator(), now(), events...)
	if err != nil {
		return err
	}
	if records[0].Seq != t.run.Seq+1 { // guests have written between
		all, err := t.store.Load(context.WithoutCancel(ctx), r.ID)
		if err != nil {
			return err
		}
		records = all[t.run.Seq:]
	}
	for _, rec := range records {
		if t.run, err = run.Apply(t.run.Plan, t.run, rec); err != nil {
			return err
		}
	}
	return nil
}

// adopt has the run go on with another version of its runbook.
func (t *taken) adopt(ctx context.Context, next *plan.Plan, e run.Adopted) error {
	rec := run.Record{RunID: t.run.ID, Seq: t.run.Seq + 1, Epoch: t.lease.Epoch(), Wall: now(), Actor: operator(), Event: e}
	if _, err := t.run.Adopt(next, rec); err != nil {
		return err
	}
	records, err := t.store.Append(context.WithoutCancel(ctx), t.lease, operator(), now(), e)
	if err != nil {
		return err
	}
	rec = records[0]
	t.run.Seq = rec.Seq - 1 // a guest's events change nothing that is asked for behind it
	t.run, err = t.run.Adopt(next, rec)
	return err
}

// leave gives the run back, and keeps the error that was there before.
func (t *taken) leave(ctx context.Context, err error, why string) error {
	if t.run.Closed == "" {
		err = errors.Join(err, t.append(ctx, run.LeaseReleased{Why: why}))
	}
	return errors.Join(err, t.lease.Release())
}
