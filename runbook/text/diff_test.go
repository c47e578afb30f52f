package text

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// patched is what the tool of that name makes of a text.
func patched(was, diff string) (string, error) {
	old := strings.SplitAfter(was, "\n")
	lines := strings.SplitAfter(diff, "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" })
	bare := make([]string, len(lines))
	for i, l := range lines {
		bare[i] = strings.TrimSuffix(l, "\n")
	}
	kinds := Changes(bare)
	if kinds == nil && diff != "" {
		return "", errors.New("it is no difference")
	}
	var out strings.Builder
	at := 0
	for i, k := range kinds {
		body := lines[i][1:]
		if i+1 < len(kinds) && kinds[i+1] == Remark { // the line has no end
			body = strings.TrimSuffix(body, "\n")
		}
		switch k {
		case Hunk:
			first := counted(strings.FieldsFunc(bare[i], func(r rune) bool { return strings.ContainsRune("@-+, ", r) })[0])
			for ; at < first-1; at++ {
				out.WriteString(old[at])
			}
		case Gone, Around:
			if at >= len(old) || old[at] != body {
				return "", errors.New("a line isn't where it should be: " + body)
			}
			at++
			if k == Around {
				out.WriteString(body)
			}
		case Come:
			out.WriteString(body)
		case Heading, Remark:
		}
	}
	return out.String() + strings.Join(old[min(at, len(old)):], ""), nil
}

func checkUnified(t interface {
	Helper()
	Fatalf(string, ...any)
}, was, is string,
) {
	t.Helper()
	d := Unified("a", "b", was, is)
	if (d == "") != (was == is) {
		t.Fatalf("between %q and %q: %q", was, is, d)
	}
	if d != Unified("a", "b", was, is) {
		t.Fatalf("between %q and %q it isn't always the same", was, is)
	}
	if got, err := patched(was, d); err != nil || got != is {
		t.Fatalf("%q patched with\n%s\nis %q, not %q (%v)", was, d, got, is, err)
	}
}

// A difference holds all that it takes to make the second text of the first.
func TestUnifiedIsAll(t *testing.T) {
	t.Parallel()
	lines := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "", "-- x", "++ y", "@@ -1 +1 @@", "\\ z", "数据库", " ", "--- a", "\r"}), 0, 40),
		func(l []string) string { return strings.Join(l, "\n") })
	rapid.Check(t, func(t *rapid.T) {
		checkUnified(t, lines.Draw(t, "was"), lines.Draw(t, "is"))
	})
}

func FuzzUnified(f *testing.F) {
	f.Add("a\nb\n", "a\nc")
	f.Add("", "\n")
	f.Add("\xff\n", "\x00")
	f.Fuzz(func(t *testing.T, was, is string) {
		if len(was)+len(is) > 1<<12 {
			return
		}
		checkUnified(t, was, is)
		Changes(strings.Split(was, "\n"))
		if len(was) > len(Masked) { // a shorter one may be a part of the mask
			checkMasked(t, was, Unified("a", "b", was, is))
		}
	})
}

func checkMasked(t *testing.T, secret, d string) {
	t.Helper()
	r := NewRedactor(secret)
	masked := r.Diff(d)
	if r.String(masked) != masked {
		t.Fatalf("%q is left in %q", secret, masked)
	}
	if r.Diff(masked) != masked {
		t.Fatalf("%q is masked once more in %q", secret, masked)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, lines, want string }{
		{"of udiff", Unified("a", "b", "1\n2\n", "1\n3\n"), "HH@ -+"},
		{"removed comments are no header", "@@ -1,2 +1 @@\n--- a\n-+++ b\n+c", "@--+"},
		{"of git", "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@ func\n-a\n+b\ndiff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -0,0 +1 @@\n+c", "HHHH@-+HHH@+"},
		{"said before it", "comparing\n@@ -1 +1 @@\n-a\n+b", "H@-+"},
		{"the last line's end", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b", "@-\\+"},
		{"an empty line without its blank", "@@ -1,2 +1,2 @@\n\n-a\n+b", "@ -+"},
		{"cut short", "@@ -1,9 +1,9 @@\n-a\n\\ lines left out here: 17", "@-\\"},
		{"a log", "2026-11-21 - started\n+ set -x", ""},
		{"said behind it", "@@ -1 +1 @@\n-a\n+b\ndone", ""},
		{"torn", "@@ -1,3 +1,3 @@\n a\nb", ""},
		{"a marker alone", "@@ here @@", ""},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got strings.Builder
			for _, k := range Changes(strings.Split(strings.TrimSuffix(tt.lines, "\n"), "\n")) {
				got.WriteByte(" -+H@\\"[k])
			}
			if got.String() != tt.want {
				t.Errorf("%q, want %q", got.String(), tt.want)
			}
		})
	}
}

// No secret gets through because a difference puts signs between its lines.
func TestRedactorDiff(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, secret, was, is, want string }{
		{"within a line", "hunter2!", "user = a\npassword = hunter2!\n", "user = b\npassword = hunter2!\n", "-user = a\n+user = b\n password = " + Masked + "\n"},
		{"of two lines that came", "ab1\ncd2", "x\n", "x\nab1\ncd2\n", Masked + "\n"},
		{"of two lines, of which one went", "ab1\ncd2", "ab1\ncd2\n", "ab1\n", Masked + "\n"},
		{"across lines that changed", "ab1\ncd2", "ab1\nx\n", "ab1\ncd2\n", Masked + "\n"},
		{"of long lines", "-----BEGIN KEY-----\nMIIEpAIBAAKC", "x\n", "-----BEGIN KEY-----\nMIIEpAIBAAKC\n", "-x\n+" + Masked + "\n+" + Masked + "\n"},
		{"none", "hunter2!", "a\n", "b\n", "-a\n+b\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := Unified("before", "after", tt.was, tt.is)
			checkMasked(t, tt.secret, d)
			if got := NewRedactor(tt.secret).Diff(d); !strings.HasSuffix(got, tt.want) {
				t.Errorf("%q, want %q at its end", got, tt.want)
			}
		})
	}
}
