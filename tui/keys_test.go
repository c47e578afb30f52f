package tui

import (
	"slices"
	"testing"

	"stepgate/tui/keys"
)

// A key of the failure menu means the same as on the run screen.
func TestRemediesHaveTheSameKeys(t *testing.T) {
	t.Parallel()
	m := keys.Default()
	for _, id := range remedies {
		a, b := m.Bound(keys.InRun, id), m.Bound(keys.InStop, id)
		if a.ID != id || b.ID != id || !slices.Equal(a.Keys, b.Keys) {
			t.Errorf("remedy %q: run screen %v, failure dialog %v", id, a.Keys, b.Keys)
		}
	}
}

func TestFootersNameBoundKeys(t *testing.T) {
	t.Parallel()
	m := keys.Default()
	for sc, ids := range footers {
		for _, id := range ids {
			if b := m.Bound(sc, id); b.ID != id || b.Short == "" {
				t.Errorf("the footer of %q names key %q, which has no short name there", sc, id)
			}
		}
	}
}
