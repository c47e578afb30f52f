package executor_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

// waiting is a Recorder that notices when its look begins.
type waiting struct {
	*executortest.Recorder
	begun chan struct{}
}

func newWaiting() waiting {
	return waiting{executortest.NewRecorder(executor.Offsets{}), make(chan struct{})}
}

// Begun implements [executor.Beginner].
func (w waiting) Begun() { close(w.begun) }

// TestLookThatDoesNotBegin has a host whose login takes longer than the caller's patience:
// nothing of the command began, and nobody says that it has ended.
func TestLookThatDoesNotBegin(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	slow := filepath.Join(dir, "slow")
	if err := os.WriteFile(slow, []byte("#!"+sh+"\nuntil [ -e '"+dir+"/never' ]; do sleep 0.05; done\n"), 0o700); err != nil { //nolint:gosec // it's to be run
		t.Fatal(err)
	}
	x := executor.NewLocal(executor.LocalOptions{Dir: dir, Shell: slow})
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	w := newWaiting()
	_, err = x.Look(ctx, executor.Command{Interpreter: "sh", Body: "echo ran >ran"}, w)
	var ended *executor.EndedError
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ended) {
		t.Errorf("Look = %v (%T), want the context's error alone", err, err)
	}
	select {
	case <-w.begun:
		t.Error("the look has begun")
	default:
	}
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Error("the command ran")
	}
}

// TestLookOverASilentLink ends a look whose link has gone silent: that nothing of it is
// alive is said late, when there is a new connection, or not at all.
func TestLookOverASilentLink(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := newProxy(t, s.addr)
	s.config.KnownHosts = []string{knownHost(t, p.addr, s.server.Signer.PublicKey())}
	s.config.Addr, s.config.Keepalive = p.addr, 500*time.Millisecond
	x := open(t, s.config)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := newWaiting()
	looked := make(chan error, 1)
	go func() {
		_, err := x.Look(ctx, executor.Command{Interpreter: "sh", Body: "exec sleep 300"}, w)
		looked <- err
	}()
	select {
	case <-w.begun:
	case err := <-looked:
		t.Fatalf("the look ended: %v", err)
	}
	p.mute()
	cancel()
	err := <-looked
	var ended *executor.EndedError
	if !errors.Is(err, context.Canceled) || errors.As(err, &ended) && ended.Took <= time.Second {
		t.Errorf("Look = %v (%T), promptly confirmed over a silent link", err, err)
	}
}
