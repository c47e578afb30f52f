package executortest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func attempt(h executor.Host, id string) executor.Attempt {
	return executor.Attempt{ID: id, RunID: "r", IntentHash: "aa", Host: h, Command: executor.Command{Interpreter: "sh", Body: id}}
}

func TestFakeKeepsTheContract(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	hold := make(chan struct{})
	f := executortest.NewFake(func(c executor.Command) executortest.Script {
		if c.Body == "held" {
			return executortest.Script{Exit: 3, Stdout: "out 中", Stderr: "err", Hold: hold}
		}
		return executortest.Script{Fate: executor.Died}
	})
	h, err := f.Identify(ctx)
	if err != nil {
		t.Fatal(err)
	}
	held, dead, fenced := attempt(h, "held"), attempt(h, "dead"), attempt(h, "fenced")
	forked := held
	forked.IntentHash = "bb"
	if rep, err := f.Probe(ctx, fenced, true); err != nil || rep.Fate != executor.NeverStarted {
		t.Errorf("Probe = %v, %v", rep.Fate, err)
	}
	for _, c := range []struct {
		attempt executor.Attempt
		want    executor.Claim
	}{{held, executor.Started}, {held, executor.Attached}, {forked, executor.Known}, {fenced, executor.Refused}, {dead, executor.Started}} {
		if claim, err := f.Start(ctx, c.attempt); claim != c.want {
			t.Errorf("Start(%s %s) = %d, %v, want %d", c.attempt.ID, c.attempt.IntentHash, claim, err, c.want)
		}
	}
	for a, want := range map[string]executor.Fate{"held": executor.Running, "dead": executor.Died, "fenced": executor.NeverStarted} {
		if rep, err := f.Probe(ctx, attempt(h, a), true); err != nil || rep.Fate != want {
			t.Errorf("Probe(%s) = %s, %v, want %s", a, rep.Fate, err, want)
		}
	}
	var fate *executor.FateError
	if _, err := f.Follow(ctx, dead, executor.Offsets{}, nil); !errors.As(err, &fate) || fate.Report.Fate != executor.Died {
		t.Errorf("Follow = %v, want died", err)
	}
	close(hold)
	rec := executortest.NewRecorder(executor.Offsets{2, 0})
	res, err := f.Follow(ctx, held, executor.Offsets{2, 0}, rec)
	if err != nil || res.Exit != 3 || rec.Text(executor.Stdout) != "t 中" || rec.Text(executor.Stderr) != "err" || rec.Err() != nil {
		t.Errorf("Follow = %+v, %v with %q", res, err, rec.Text(executor.Stdout))
	}
	var ran []string
	for _, c := range f.Ran() {
		ran = append(ran, c.Body)
	}
	if got := strings.Join(ran, " "); got != "held dead" {
		t.Errorf("Ran = %s", got)
	}
}

func TestFakeReboot(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	hold := make(chan struct{})
	f := executortest.NewFake(func(executor.Command) executortest.Script { return executortest.Script{Hold: hold} })
	h, err := f.Identify(ctx)
	if err != nil {
		t.Fatal(err)
	}
	a := attempt(h, "a")
	if claim, err := f.Start(ctx, a); claim != executor.Started {
		t.Fatalf("Start = %d, %v", claim, err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := f.Follow(ctx, a, executor.Offsets{}, nil)
		ended <- err
	}()
	h.BootID = "boot-2"
	f.SetHost(h)
	var fate *executor.FateError
	if err := <-ended; !errors.As(err, &fate) || fate.Report.Fate != executor.Rebooted {
		t.Errorf("Follow = %v, want rebooted", err)
	}
	if claim, err := f.Start(ctx, attempt(h, "b")); claim != executor.Started {
		t.Errorf("Start after the reboot = %d, %v", claim, err)
	}
	lost := errors.New("link lost")
	f.SetFail(func(method string) error {
		if method == "Probe" {
			return lost
		}
		return nil
	})
	if _, err := f.Probe(ctx, a, true); !errors.Is(err, lost) {
		t.Errorf("Probe = %v, want the scripted error", err)
	}
}
