package tui

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/tui/gate"
	"stepgate/tui/keys"
)

// named are keys as texts name them.
var named = regexp.MustCompile(`(?i)\b(esc|tab|enter|pgdn|pgup|backspace|ctrl\+[a-z]|shift\+tab)\b|↵`)

// others is a map in which no default key means anything.
func others(t *testing.T) (m keys.Map, of func(sc keys.Scope, key string) (string, bool)) {
	t.Helper()
	other := map[string][]string{}
	for _, b := range keys.Default().Bindings() {
		other[b.ID.String()] = []string{"k:" + b.ID.String()}
	}
	m, err := keys.Default().With(other)
	if err != nil {
		t.Fatal(err)
	}
	return m, func(sc keys.Scope, key string) (string, bool) {
		b, ok := keys.Default().Lookup(sc, key)
		if !ok && sc == keys.InOutput {
			b, ok = keys.Default().Lookup(keys.InRun, key)
		}
		return "k:" + b.ID.String(), ok
	}
}

// No text names a key but as the operator has it: every kept frame is drawn once more
// with other keys.
func TestTextsNameTheOperatorsKeys(t *testing.T) {
	t.Parallel()
	m, of := others(t)
	for _, f := range slices.Concat(frames, runFrames, matrixFrames, waitFrames, loginFrames, monitorFrames, offBookFrames(t)) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := f.tell(t)
			st := &still{now: s.at}
			st.app = newApp(context.Background(), &asked{}, silence{}, Options{Now: func() time.Time { return st.now }, Keys: m})
			st.ticking = true // the clock is moved by hand
			st.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
			st.Update(snapMsg{s.snap()})
			st.now = st.now.Add(time.Second)
			for _, msg := range f.msgs {
				if k, ok := msg.(tea.KeyPressMsg); ok {
					if other, bound := of(st.inFront(), k.String()); bound {
						msg = tea.KeyPressMsg{Text: other}
					}
				}
				st.Update(msg)
				st.now = st.now.Add(gate.Drawn)
				st.View()
			}
			text := strings.ReplaceAll(st.text(), "tab…", "") // of a tablet
			for _, found := range named.FindAllStringIndex(text, -1) {
				t.Errorf("a default key is named: %q", text[max(found[0]-40, 0):min(found[1]+40, len(text))])
			}
		})
	}
}

// What a key is said to do doesn't name another by what it is by default.
func TestKeysDoNotNameEachOther(t *testing.T) {
	t.Parallel()
	for _, b := range keys.Default().Bindings() {
		if found := named.FindString(b.Long); found != "" {
			t.Errorf("%q names the key %q", b.Long, found)
		}
	}
}
