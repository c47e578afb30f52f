package executortest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"stepgate/executor"
)

// SudoLeash is what a host must do about another user's command that has a leash. Its
// stories are told at once.
func SudoLeash(t *testing.T, boot BootSudoer) {
	b := newSudoBench(t, boot, allSudo, &operator{answers: []string{SudoPassword}})
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	b.ctx = ctx
	if err := b.x.Ready(ctx, b.become(SudoOther, "true")); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for name, story := range map[string]func(*bench){
		"nobody beats":           sudoLeashRunsOut,
		"child ignores TERM":     sudoLeashStubborn,
		"ends by itself":         sudoLeashLeftover,
		"watchdog without means": sudoLeashWithoutMeans,
	} {
		all.Go(func() {
			t.Run(name, func(t *testing.T) {
				own := *b
				own.T = t
				story(&own)
			})
		})
	}
	all.Wait()
}

// leashedAs starts a background process as another user.
func (b *bench) leashedAs(user, body string) executor.Attempt {
	b.Helper()
	a := b.attempt(b.become(user, body))
	a.Leash = shortLeash
	b.start(a)
	return a
}

func sudoLeashRunsOut(b *bench) {
	a := b.leashedAs(SudoOther, `sleep 300 & echo $! >"$meet/child"; echo $$ >"$meet/pid"; wait`)
	b.awaitFile("pid")
	b.wantEnd(a, 143)
}

func sudoLeashStubborn(b *bench) {
	a := b.leashedAs(SudoOther, `(trap '' TERM; echo >"$meet/up"; while :; do sleep 0.2; done) & wait`)
	b.awaitFile("up")
	b.wantEnd(a, 143)
}

func sudoLeashLeftover(b *bench) {
	b.wantEnd(b.leashedAs(SudoOther, `sleep 300 & exit 4`), 4)
}

// sudoLeashWithoutMeans has a watchdog that can start no process any more: the command
// doesn't go on without it.
func sudoLeashWithoutMeans(b *bench) {
	a := b.attempt(b.sh(`echo $$ >"$meet/poor"; exec sleep 300`))
	a.Leash = shortLeash
	b.start(a)
	b.awaitFile("poor")
	if res, rec := b.look(b.sh(fmt.Sprintf("prlimit --pid %d --nproc=0:0", b.watchdog(a)))); res.Exit != 0 {
		b.Fatalf("the watchdog can't be limited: %s", rec.Text(executor.Stderr))
	}
	b.wantGone(a)
}
