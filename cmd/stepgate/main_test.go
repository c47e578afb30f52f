package main

import (
	"testing"

	"stepgate/runbooks/rehearsal"
)

func program(t testing.TB) string {
	t.Helper()
	return rehearsal.Program(t)
}

func TestMain(m *testing.M) { rehearsal.Run(m, 0) }
