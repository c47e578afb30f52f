package executor_test

import (
	"errors"
	"os"
	"testing"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

func TestHand(t *testing.T) {
	t.Parallel()
	executortest.Hand(t, localMachine("sh", os.Getenv("PATH")))
}

func TestHandInEveryShell(t *testing.T) {
	t.Parallel()
	for _, shell := range protocolShells {
		t.Run(shell, func(t *testing.T) {
			sh, path := asSh(t, shell)
			if sh == "" {
				t.Skipf("NOT TESTED: %s isn't installed, so no terminal was handed to it", shell)
			}
			executortest.Hand(t, localMachine(sh, path))
		})
	}
}

// TestHandOverOpenSSH: the lab's own server has no terminals to give.
func TestHandOverOpenSSH(t *testing.T) {
	t.Parallel()
	executortest.Hand(t, openSSHMachine(t, needOpenSSH(t)))
}

func TestHandOverToAServerWithoutTerminals(t *testing.T) {
	t.Parallel()
	m := sshMachine("/bin/sh")(t)
	x := m.Open(t)
	host, err := x.Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = x.Hand(t.Context(), executor.Attempt{
		ID: "00112233445566778899aabbccddeeff", RunID: "7k2m", IntentHash: "ab", Host: host, Command: executor.Command{Interpreter: "sh", Body: "true"},
	}, executor.Terminal{In: os.Stdin, Out: os.Stdout})
	var reach *executor.ReachError
	if !errors.As(err, &reach) {
		t.Errorf("Hand = %v, want that nothing was started", err)
	}
}
