package state_test

import (
	"stepgate/engine"
	"stepgate/state"
)

var _ engine.Journal = (*state.Store)(nil)
