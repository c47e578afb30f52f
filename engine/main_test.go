package engine_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Whatever a test did with an engine, after Close nothing of it is left.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
