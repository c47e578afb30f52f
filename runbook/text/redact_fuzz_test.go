package text_test

import (
	"strings"
	"testing"

	"stepgate/runbook/text"
)

// However a stream is cut, what it writes is the same, and a secret that is long
// enough isn't in it.
func FuzzRedactor(f *testing.F) {
	f.Add("hunter2hunter2", "the password is hunter2hunter2, again hunter2hunter2", uint8(3))
	f.Add("line one\nline two is longer", "x line two is longer y", uint8(1))
	f.Add("aaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaa", uint8(2))
	f.Add("pässwörd", "cMOkc3N3w7ZyZA==", uint8(5))
	f.Add("a'b\"c\\d", `{"k":"a'b\"c\\d"}`, uint8(4))
	f.Fuzz(func(t *testing.T, secret, stream string, size uint8) {
		if len(secret) > 100 || len(stream) > 1000 {
			t.Skip()
		}
		r := text.NewRedactor(secret)
		whole := r.String(stream)
		s := r.Stream()
		var got []byte
		for rest := []byte(stream); len(rest) > 0; {
			n := min(len(rest), int(size)%7+1)
			got = s.Append(got, rest[:n])
			rest = rest[n:]
		}
		if got = s.Close(got); string(got) != whole {
			t.Errorf("in pieces of %d: %q; as a whole: %q", int(size)%7+1, got, whole)
		}
		if len(secret) >= text.MinSecret && !strings.Contains(text.Masked, secret) && strings.Contains(strings.ReplaceAll(whole, text.Masked, "\x00\x00"), secret) {
			t.Errorf("%q is in %q", secret, whole)
		}
	})
}
