package engine_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// secretShapes are what secrets look like.
var secretShapes = []struct{ alphabet, form string }{
	{"abcdefghijklmnopqrstuvwxyz", "%12"},
	{"0123456789", "%8"},
	{"ABCDEF0123456789", "%32"},
	{"abcXYZ019", "tok_%24"},
	{"abcXYZ019+/", "%40=="},
	{"abcXYZ019_-", "eyJ%20.%30.%20"},
	{"abc 019", "x%6 y%6"},
	{"a'b\"c\\d", "p%8'q"},
	{"$`!*?", "a%6b%4c"},
	{"#;&|<>", "a%8z"},
	{"éüñ", "pass%6"},
	{"密码钥匙", "%8"},
	{"🚀🔑", "k%4k"},
	{"ab\t", "x%10y"},
	{"abcXYZ019", "-----BEGIN KEY-----\n%24\n%24\n-----END KEY-----"},
	{"abc", "line1-%8\r\nline2-%8"},
	{"%@:/", "u%4ser:p%4w"},
	{"abcXYZ019", "postgres://u:%16@db:5432/x"},
	{"{}[]\",", "j%8son"},
	{"abcXYZ019", "%200"},
}

// newSecret fills a shape with random letters.
func newSecret(r *rand.Rand, alphabet, form string) string {
	letters := []rune(alphabet)
	var b strings.Builder
	for i := 0; i < len(form); i++ {
		n, end := 0, i+1
		for form[i] == '%' && end < len(form) && form[end] >= '0' && form[end] <= '9' {
			n, end = n*10+int(form[end]-'0'), end+1
		}
		if n == 0 {
			b.WriteByte(form[i])
			continue
		}
		for range n {
			b.WriteRune(letters[r.IntN(len(letters))])
		}
		i = end - 1
	}
	return b.String()
}

// encodings are the forms in which a secret must not be found.
var encodings = map[string]func(string) string{
	"raw":            func(s string) string { return s },
	"crlf":           func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	"base64":         func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64url":      func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64 raw":     func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"base64url raw":  func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"hex":            func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":            func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"query":          url.QueryEscape,
	"path":           url.PathEscape,
	"json":           jsonInside,
	"json /":         func(s string) string { return strings.ReplaceAll(jsonInside(s), "/", `\/`) },
	"go":             func(s string) string { return inside(fmt.Sprintf("%q", s)) },
	"go ascii":       func(s string) string { return inside(fmt.Sprintf("%+q", s)) },
	"html":           html.EscapeString,
	"sql":            func(s string) string { return strings.ReplaceAll(s, "'", "''") },
	"shell '":        func(s string) string { return strings.ReplaceAll(s, "'", `'\''`) },
	"shell '\"":      func(s string) string { return strings.ReplaceAll(s, "'", `'"'"'`) },
	"basic auth":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte("admin:" + s)) },
	"base64 shifted": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("ab" + s + "cd")) },
}

func inside(quoted string) string { return quoted[1 : len(quoted)-1] }

func jsonInside(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return inside(string(b))
}

// leaks counts the forms of a secret that are found in a text. What surrounds a value
// in base64 changes its ends, so there only the middle of it counts.
func leaks(text []byte, secret string) (found []string) {
	for name, encode := range encodings {
		form := encode(secret)
		if name == "basic auth" || name == "base64 shifted" {
			raw := base64.StdEncoding.EncodeToString([]byte("12" + secret))[4:]
			form = strings.TrimRight(raw, "=")
			form = form[:max(0, len(form)-4)]
		}
		if len(form) >= shortest && bytes.Contains(text, []byte(form)) {
			found = append(found, name)
		}
	}
	return found
}

const shortest = text.MinSecret

// TestTortureT15Redaction sends secrets of all shapes in all encodings, cut in many
// ways, through what stands before the journal, the screen and exports.
func TestTortureT15Redaction(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(15, uint64(tally.Size(t, 1)))) //nolint:gosec // cases, not keys
	cases, leaked := 0, 0
	for range tally.Size(t, 3) {
		for _, shape := range secretShapes {
			secret := newSecret(r, shape.alphabet, shape.form)
			redactor := text.NewRedactor(secret, "another-secret", "123")
			for name, encode := range encodings {
				cases++
				stream := redactor.Stream()
				var out []byte
				whole := []byte("before " + encode(secret) + " after\n" + encode(secret) + encode(secret) + "\n123 x")
				for rest := whole; len(rest) > 0; {
					n := 1 + r.IntN(min(len(rest), 1+r.IntN(64)))
					out = stream.Append(out, rest[:n])
					rest = rest[n:]
				}
				out = stream.Close(out)
				if found := leaks(out, secret); len(found) > 0 {
					leaked++
					t.Errorf("%q as %s comes through as %v: %q", secret, name, found, out)
				}
				if !bytes.HasPrefix(out, []byte("before ")) || !bytes.HasSuffix(out, []byte("\n"+text.Masked+" x")) {
					t.Errorf("%q as %s: what is no secret comes out as %q", secret, name, out)
				}
			}
		}
	}
	tally.Add(t, tally.Cases, cases)
	tally.Add(t, tally.Leaks, leaked)
}

// TestTortureT15EndToEnd lets real commands print secrets, and looks for them in the
// journal's files, what the host keeps, exports, and what processes show of themselves.
func TestTortureT15EndToEnd(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(16, uint64(tally.Size(t, 1)))) //nolint:gosec // cases, not keys
	leaked, cases := 0, 0
	for range tally.Size(t, 1) {
		for i, shape := range secretShapes {
			if i%4 != 0 && tally.Size(t, 1) == 1 {
				continue
			}
			secret := newSecret(r, shape.alphabet, shape.form)
			var prints strings.Builder
			for _, encode := range encodings {
				prints.WriteString(encode(secret) + "\n")
				cases++
			}
			leaked += leakingRun(t, secret, prints.String())
		}
	}
	tally.Add(t, tally.Cases, cases)
	tally.Add(t, tally.Leaks, leaked)
}

// leakingRun runs a command that prints all it can, and counts what is found of it.
func leakingRun(t *testing.T, secret, prints string) (leaked int) {
	t.Helper()
	book := front + step("use", sh("", `set -x; printf '%s' "$pw" >got; cat all; echo "$pw"; cat all >&2; printf '%s' "$pw" | base64; printf '%s' "$pw" | od -An -tx1 | tr -d ' \n'; ps -eo args | cat; false`)) +
		step("see", sh(".check", `cat all; echo "$pw"`), expect(`stdout contains "nothing"`)) + step("tick")
	w := newWorldOn(t, book, nil, func(rb *runbook.Runbook) {
		rb.Params = append(rb.Params, runbook.Param{Name: "pw", Type: runbook.TypeString, Secret: true, HasDef: true, Default: secret})
	})
	if err := os.WriteFile(filepath.Join(w.begin.Dir, "all"), []byte(prints), 0o600); err != nil {
		t.Fatal(err)
	}
	d := w.start()
	d.at(run.WaitGo, "use")
	d.do(run.Go{})
	d.at(run.WaitFailure, "use")
	if w.read("got") != secret {
		t.Errorf("the command got %q, not %q", w.read("got"), secret)
	}
	leaked += w.search("the driver's own processes", shownByProcesses(), secret)
	d.do(run.Skip{Reason: "it is " + secret})
	d.at(run.WaitGo, "see")
	d.do(run.Go{})
	d.at(run.WaitFailure, "see")
	leaked += w.searchFiles(secret)
	d.leave("left")
	records, err := w.store.Load(t.Context(), w.id)
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range records {
		_, payload, err := run.Encode(rec.Event)
		if err != nil {
			t.Fatal(err)
		}
		leaked += w.search("event "+run.Kind(rec.Event), payload, secret)
	}
	return leaked + w.searchFiles(secret)
}

func (w *world) search(what string, in []byte, secret string) int {
	found := leaks(in, secret)
	if len(found) > 0 {
		w.t.Errorf("%s: %q is there as %v", what, secret, found)
	}
	return len(found)
}

// searchFiles looks into the journal's files and what the host keeps, and at their
// modes.
func (w *world) searchFiles(secret string) (leaked int) {
	for _, part := range []string{"state", "attempts"} {
		err := filepath.WalkDir(filepath.Join(w.dir, part), func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if info.Mode().Perm()&0o077 != 0 {
				w.t.Errorf("%s has mode %v", path, info.Mode())
			}
			if !d.Type().IsRegular() {
				return nil
			}
			b, err := os.ReadFile(path)
			leaked += w.search(path, b, secret)
			return err
		})
		if err != nil {
			w.t.Error(err)
		}
	}
	return leaked
}

// shownByProcesses are the arguments of all processes, and the environment of this
// one's children: their commands have ended.
func shownByProcesses() []byte {
	var all []byte
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range lines {
		if b, err := os.ReadFile(p); err == nil { // or it has ended
			all = append(append(all, b...), '\n')
		}
	}
	return all
}
