package keys

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/keys.md anew")

func TestKeysDoNotClash(t *testing.T) {
	t.Parallel()
	for _, c := range Default().clashes() {
		t.Error(c)
	}
	for _, b := range Default().Bindings() {
		if b.Long == "" || b.Group == "" || len(b.Keys) == 0 || len(b.In) == 0 || b.ID.String() == "" {
			t.Errorf("key %v: keys, place, name, help and group are needed", b)
		}
	}
}

// At a gate, no key that is part of a phrase is taken for something else.
func TestGateKeysLeaveTextAlone(t *testing.T) {
	t.Parallel()
	for _, r := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/ ?" {
		if b, ok := Default().Lookup(InGate, string(r)); ok {
			t.Errorf("at a gate %q does %q instead of being typed", r, b.Long)
		}
	}
	if _, ok := Default().Lookup(InGate, "space"); ok {
		t.Error("at a gate the space bar can't be typed")
	}
}

func TestOtherKeys(t *testing.T) {
	t.Parallel()
	m, err := Default().With(map[string][]string{"retry": {"ctrl+r"}, "matrix": {"W", "f2"}})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]ID{"ctrl+r": Retry, "W": Matrix, "f2": Matrix, "r": 0, "m": 0} {
		if b, _ := m.Lookup(InRun, key); b.ID != want {
			t.Errorf("%q does %q, want %q", key, b.ID, want)
		}
	}
	m, err = Default().With(map[string][]string{"down": {"ctrl+j", "x"}, "stop": {"X"}, "page-up": {"{"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		in   Scope
		id   ID
		want string
	}{{InRun, Down, "ctrl+j x"}, {InGate, Down, "ctrl+j"}, {InRun, Stop, "X"}, {InRun, PageUp, "{"}, {InGate, PageUp, "pgup ctrl+u"}} {
		if got := strings.Join(m.Bound(c.in, c.id).Keys, " "); got != c.want {
			t.Errorf("%q on the %s screen: %q, want %q", c.id, c.in, got, c.want)
		}
	}
	if got := m.Name(InGate, PageDown, "enter") + m.Name(InGate, Matrix, "enter"); got != "pgdn" {
		t.Errorf("the names are %q", got)
	}
	if b, _ := Default().Lookup(InRun, "r"); b.ID != Retry {
		t.Error("the default map has changed")
	}
	for _, c := range []struct {
		other map[string][]string
		want  string
	}{
		{map[string][]string{"retyr": {"r"}}, `no key is called "retyr"`},
		{map[string][]string{"retry": {"s"}}, `"s" means both`},
		{map[string][]string{"retry": {}}, `"retry" would have no key at all`},
		{map[string][]string{"show-prelude": {"t"}}, `"t" could no longer be typed on the gate screen`},
	} {
		if _, err := Default().With(c.other); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("With(%v) = %v, want %q in it", c.other, err, c.want)
		}
	}
}

// The page of keys in the documentation is this program's own; -update writes it
// anew.
func TestKeyPageIsFresh(t *testing.T) {
	t.Parallel()
	page := filepath.Join("..", "..", "docs", "keys.md")
	want := "# Keys\n\nMade from the keymap by `go test ./tui/keys -update`; `?` shows the same on the screen. The\nconfiguration gives a key other ones by its name.\n\n" + Default().Table()
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
		t.Errorf("%s isn't what the keymap says; write it anew with: go test ./tui/keys -update", page)
	}
}
