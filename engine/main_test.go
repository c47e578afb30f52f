package engine_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Whatever a test did with an engine, after Close nothing of it is left. x/crypto's
// OpenChannel may stay behind when its connection ends meanwhile.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("golang.org/x/crypto/ssh.(*mux).openChannel"))
}
