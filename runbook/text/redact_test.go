package text

import (
	"bytes"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// inPieces redacts a text cut at the given places.
func inPieces(r *Redactor, text string, sizes []int) string {
	s := r.Stream()
	var out []byte
	for _, n := range sizes {
		n = min(n, len(text))
		out = s.Append(out, []byte(text[:n]))
		text = text[n:]
	}
	out = s.Append(out, []byte(text))
	return string(s.Close(out))
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ secrets, text, want string }{
		{"hunter22", "password=hunter22\n", "password=‹secret›\n"},
		{"hunter22", "hunter2", "hunter2"},
		{"hunter22", "hunter22hunter22 hunter22", "‹secret› ‹secret›"},
		{"abab1", "ababab1", "ab‹secret›"},
		{"hello1,lo1xyz", "hello1xyz lo1xyz", "‹secret› ‹secret›"},
		{"hello1,hello1234", "hello12 hello1234", "‹secret›2 ‹secret›"},
		{"p@ss/wörd", "p%40ss%2Fw%C3%B6rd p%40ss/w%c3%b6rd p@ss\\/w\\u00f6rd", "‹secret› ‹secret› ‹secret›"},
		{"密码密码", "是密码密码。", "是‹secret›。"},
		// a short one only as a word
		{"123", "pin 123, 1234 a123 x=123\n密码：123", "pin ‹secret›, 1234 a123 x=‹secret›\n密码：‹secret›"},
		{"123", "123", "‹secret›"},
		{"a", "a banana (a)", "‹secret› banana (‹secret›)"},
		// what surrounds a value, and its lines
		{"secret\n", "a secret b", "a ‹secret› b"},
		{"first line here\nsecond line\n}\n", "first line here\r\nsecond line\n}", "‹secret›\r\n‹secret›\n}"},
		{"", "nothing", "nothing"},
	} {
		r := NewRedactor(strings.Split(tt.secrets, ",")...)
		if got := r.String(tt.text); got != tt.want {
			t.Errorf("%q in %q:\n got %q\nwant %q", tt.secrets, tt.text, got, tt.want)
		}
		var bytewise []int
		for range tt.text {
			bytewise = append(bytewise, 1)
		}
		if got := inPieces(r, tt.text, bytewise); got != tt.want {
			t.Errorf("%q in %q, in pieces: %q", tt.secrets, tt.text, got)
		}
	}
	if got := (*Redactor)(nil).String("as it is"); got != "as it is" {
		t.Error(got)
	}
}

// What can't be the beginning of a secret isn't held back: prompts have no line end.
func TestRedactHoldsLittleBack(t *testing.T) {
	t.Parallel()
	s := NewRedactor("hunter22", "77").Stream()
	for _, tt := range []struct{ chunk, want string }{
		{"Password: ", "Password: "}, {"hun", ""}, {"ger hunt", "hunger "}, {"er22", "‹secret›"}, {"77", "77"[:0]}, {"7", "7"}, {" 77", "77 "}, {"", ""}, {"!", "‹secret›!"},
	} {
		if got := string(s.Append(nil, []byte(tt.chunk))); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.chunk, got, tt.want)
		}
	}
	if got := string(s.Close([]byte("end "))); got != "end " {
		t.Errorf("%q", got)
	}
}

// A secret that is learnt while a stream runs is masked from then on.
func TestRedactLearns(t *testing.T) {
	t.Parallel()
	r := NewRedactor()
	s := r.Stream()
	out := s.Append(nil, []byte("token t0k3n-1 "))
	r.Add("t0k3n-1")
	out = s.Append(out, []byte("token t0k3n-1"))
	if got := string(s.Close(out)); got != "token t0k3n-1 token ‹secret›" {
		t.Error(got)
	}
}

var awkward = rapid.StringMatching(`[a-z'"\\/ $!%&<>+=@#密é;:\n\t-]{5,40}`)

// However a stream is cut, the outcome is the same, and no secret is left in it.
func TestRedactCuts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secrets := rapid.SliceOfN(rapid.OneOf(awkward, rapid.StringMatching(`[ab]{1,7}`)), 1, 4).Draw(t, "secrets")
		var pieces []string
		for _, s := range secrets {
			pieces = append(pieces, s)
			pieces = append(pieces, formsOf(s)...)
			pieces = append(pieces, s[:len(s)/2], "a", "b", " ", "\n")
		}
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 12).Draw(t, "text"), "")
		sizes := rapid.SliceOf(rapid.IntRange(0, 9)).Draw(t, "sizes")
		r := NewRedactor(secrets...)
		whole := r.String(text)
		if got := inPieces(r, text, sizes); got != whole {
			t.Fatalf("in pieces %q, at once %q", got, whole)
		}
		for _, s := range secrets {
			for _, form := range append(formsOf(s), s) {
				if len(s) >= MinSecret && len(form) >= MinSecret && strings.Contains(whole, form) && !strings.Contains(Masked, form) {
					t.Fatalf("%q is left in %q", form, whole)
				}
			}
		}
	})
}

// The forms are those that real programs write.
func TestRedactPrograms(t *testing.T) {
	t.Parallel()
	secrets := []string{
		"pl4in-secret", `it's "q" \ $HOME`, "tab\there and\nline two here", "p@ss/w0rd?&=+%", "密码 is 库!", "a;b|c<d>e(f)*[g]{h}~i^j#k,l",
		strings.Repeat("long secret 0123456789 ", 9),
	}
	const python = "python3"
	programs := []struct{ name, script string }{
		{"bash", `printf %q "$1"`},
		{"bash", `set -x; : "x $1"`},
		{"bash", `printf '%s\n' "${1@Q}"`},
		{"sh", `set -x; : "$1"`},
		{"dash", `v=$1; set`},
		{"sh", `printf %s "$1" | base64`},
		{"sh", `printf %s "x$1" | base64 -w0`},
		{"sh", `printf %s "ab$1 cd" | base64 -w0`},
		{"sh", `printf %s "user:$1" | base64 -w0 | tr '+/' '-_'`},
		{"sh", `printf %s "$1" | od -An -v -tx1 | tr -d ' \n'`},
		{"sh", `python3 -c 'import json,sys; print(json.dumps({"v": sys.argv[1]}), json.dumps(sys.argv[1], ensure_ascii=False))' "$1"`},
		{"sh", `python3 -c 'from urllib.parse import *; import sys; v=sys.argv[1]; print(quote(v), quote(v, safe=""), quote_plus(v))' "$1"`},
		{"sh", `python3 -c 'import html,shlex,sys; v=sys.argv[1]; print(html.escape(v), shlex.quote(v))' "$1"`},
		{"mksh", `set -x; : "$1"`},
		{"zsh", `set -x; : "$1"; print -r -- ${(q)1}`},
	}
	for _, p := range programs {
		needs := p.name
		if strings.HasPrefix(p.script, python) {
			needs = python
		}
		if _, err := exec.LookPath(needs); err != nil {
			t.Logf("NOT TESTED: %s isn't installed", needs)
			continue
		}
		for _, secret := range secrets {
			var out bytes.Buffer
			cmd := exec.Command(p.name, "-c", p.script, p.name, secret)
			cmd.Stdout, cmd.Stderr = &out, &out
			cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"}
			if err := cmd.Run(); err != nil {
				t.Errorf("%s %s: %v: %s", p.name, p.script, err, out.String())
				continue
			}
			if got := NewRedactor(secret).String(out.String()); !strings.Contains(got, Masked) {
				t.Errorf("%s -c '%s' of %q writes\n%s\nwhich is left as\n%s", p.name, p.script, secret, out.String(), got)
			}
		}
	}
}

func TestMaskable(t *testing.T) {
	t.Parallel()
	for secret, want := range map[string]bool{"": false, "1234": false, "12345": true, "      ": false, "密码": true} {
		if why, ok := Maskable(secret); ok != want || ok != (why == "") {
			t.Errorf("%q: %v %q", secret, ok, why)
		}
	}
}

func TestRedactConcurrently(t *testing.T) {
	t.Parallel()
	r := NewRedactor("hunter22")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				r.Add("another1")
				if got := r.String("hunter22 another1"); got != "‹secret› ‹secret›" {
					t.Error(got)
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkRedact(b *testing.B) {
	r := NewRedactor("hunter22-and-more", strings.Repeat("a line of a key 0123456789\n", 30))
	chunk := bytes.Repeat([]byte("2026-11-21 04:35:00 INFO tablet tablet-2 loaded partition 17 of table t1\n"), 900)
	b.SetBytes(int64(len(chunk)))
	s := r.Stream()
	var out []byte
	for b.Loop() {
		out = s.Append(out[:0], chunk)
	}
}
