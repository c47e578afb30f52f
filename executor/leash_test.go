package executor_test

import (
	"os"
	"sync"
	"testing"

	"stepgate/executor/executortest"
)

// TestLeash has attempts with a leash under every shell, and over SSH. All wait at
// once.
func TestLeash(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for _, shell := range protocolShells {
		all.Go(func() {
			t.Run(shell, func(t *testing.T) {
				sh, path := asSh(t, shell)
				if sh == "" {
					t.Skipf("NOT TESTED: %s isn't installed, so attempts with a leash weren't tried under it", shell)
				}
				executortest.LeashProtocol(t, localMachine(sh, path))
			})
		})
	}
	all.Go(func() {
		t.Run("all", func(t *testing.T) { executortest.Leash(t, localMachine("sh", os.Getenv("PATH"))) })
	})
	all.Go(func() {
		t.Run("OpenSSH", func(t *testing.T) { executortest.LeashProtocol(t, openSSHMachine(t, needOpenSSH(t))) })
	})
	all.Wait()
}
