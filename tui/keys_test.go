package tui

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestKeysDoNotClash(t *testing.T) {
	t.Parallel()
	type place struct {
		in  scope
		key string
	}
	taken := map[place]binding{}
	for _, b := range keymap {
		if b.Long == "" || b.Group == "" || len(b.Keys) == 0 || len(b.In) == 0 {
			t.Errorf("key %v: keys, place, help and group are needed", b)
		}
		for _, in := range b.In {
			for _, k := range b.Keys {
				if other, ok := taken[place{in, k}]; ok {
					t.Errorf("in %d, key %q means both %q and %q", in, k, other.Long, b.Long)
				}
				taken[place{in, k}] = b
			}
		}
	}
}

// A key of the failure menu means the same as on the run screen.
func TestRemediesHaveTheSameKeys(t *testing.T) {
	t.Parallel()
	for _, id := range remedies {
		a, b := bound(inRun, id), bound(inStop, id)
		if a.ID != id || b.ID != id || !slices.Equal(a.Keys, b.Keys) {
			t.Errorf("remedy %d: run screen %v, failure dialog %v", id, a.Keys, b.Keys)
		}
	}
}

func TestFootersNameBoundKeys(t *testing.T) {
	t.Parallel()
	for sc, ids := range footers {
		for _, id := range ids {
			if b := bound(sc, id); b.ID != id || b.Short == "" {
				t.Errorf("footer %d names key %d, which has no short name there", sc, id)
			}
		}
	}
}

// At a gate, no key that is part of a phrase is taken for something else.
func TestGateKeysLeaveTextAlone(t *testing.T) {
	t.Parallel()
	for _, r := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/ ?" {
		if b, ok := lookup(inGate, string(r)); ok {
			t.Errorf("at a gate %q does %q instead of being typed", r, b.Long)
		}
	}
	if _, ok := lookup(inGate, "space"); ok {
		t.Error("at a gate the space bar can't be typed")
	}
}

func TestKeyTableHasEveryKey(t *testing.T) {
	t.Parallel()
	table := KeyTable()
	for _, b := range keymap {
		if !strings.Contains(table, b.Long) {
			t.Errorf("the table lacks %q", b.Long)
		}
	}
}

// The page of keys in the documentation is this program's own; -update writes it
// anew.
func TestKeyPageIsFresh(t *testing.T) {
	t.Parallel()
	page := filepath.Join("..", "docs", "keys.md")
	want := "# Keys\n\nMade from the keymap by `go test ./tui -update`; `?` shows the same on the screen.\n\n" + KeyTable()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil { //nolint:gosec // documentation
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s isn't what the keymap says; write it anew with: go test ./tui -update", page)
	}
}
