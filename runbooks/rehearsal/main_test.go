package rehearsal_test

import (
	"testing"

	"stepgate/runbooks/rehearsal"
)

func TestMain(m *testing.M) { rehearsal.Run(m, 6) }
