package attrs_test

import (
	"fmt"
	"strings"
	"testing"

	"stepgate/runbook/attrs"
)

func show(g *attrs.Group) string {
	if g == nil {
		return "-"
	}
	var b strings.Builder
	for _, w := range g.IDs {
		fmt.Fprintf(&b, "#%s@%d ", w.Text, w.At)
	}
	for _, w := range g.Classes {
		fmt.Fprintf(&b, ".%s@%d ", w.Text, w.At)
	}
	for _, p := range g.Pairs {
		fmt.Fprintf(&b, "%s=%q@%d,%d ", p.Key, p.Value, p.At, p.ValueAt)
	}
	return strings.TrimSpace(b.String())
}

func TestTrailing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, text, group, problem string }{
		{"Stop", "Stop", "-", ""},
		{"Stop {#stop}  ", "Stop", "#stop@6", ""},
		{"T {.irreversible timeout=20m}", "T", `.irreversible@3 timeout="20m"@17,25`, ""},
		{"T {batch=25% cwd=/opt/a}", "T", `batch="25%"@3,9 cwd="/opt/a"@13,17`, ""},
		{`T {title="two words" a="x\"y\\z"}`, "T", `title="two words"@3,10 a="x\"y\\z"@21,24`, ""},
		{`T {cwd="{{home}}/a"}`, "T", `cwd="{{home}}/a"@3,8`, ""},
		{"T { #a .b c=d }", "T", `#a@4 .b@7 c="d"@10,12`, ""},
		{"停止 {{host}} {#停止}", "停止 {{host}}", "#停止@17", ""},
		{"Stop {{host}}", "Stop {{host}}", "-", ""},
		{"{{host}}", "{{host}}", "-", ""},
		{"A {b} c", "A {b} c", "-", ""},
		{"A {b}", "A {b}", "-", ""},
		{"A {#b} c", "A {#b} c", "-", ""},
		{"A {#b ?} c", "A {#b ?} c", "-", ""},
		{"Use `{#b}`", "Use `{#b}`", "-", ""},
		{`A \{#b}`, `A \{#b}`, "-", ""},
		{"A {#b} {.c}", "A {#b}", ".c@8", ""},
		{"js {1,3-5}", "js {1,3-5}", "-", ""},
		{"A {#b", "A", "-", "2: the attribute group is not closed on its line"},
		{"A {#b ?}", "A", "-", "6: an attribute can't begin with `?`"},
		{"A {#b c}", "A", "-", "6: `c` is neither #id, .class nor name=value"},
		{"A {.b.c}", "A", ".b@3 .c@5", ""},
		{"A {.b..c}", "A", "-", "5: a name is missing in `..c`"},
		{"A {a='b c'}", "A", "-", "5: a value is quoted with \", not with '"},
		{`A {a="b}`, "A", "-", "5: the quoted value is not closed on its line"},
		{"A {a=}", "A", "-", "5: a value is missing behind `=`"},
		{"A {a=b{c}", "A", "-", "6: a value with `{` in it must be quoted with \""},
		{"A {cwd={{home}}}", "A", "-", "7: a value is missing behind `=`"},
		{`A {a="b"c=d}`, "A", "-", "8: a blank is missing before `c=d`"},
		{"A {#a .}", "A", "-", "6: a name is missing behind `.`"},
	} {
		text, g, p := attrs.Trailing([]byte(c.line), 0, len(c.line))
		problem := ""
		if p != nil {
			problem = fmt.Sprintf("%d: %s", p.At, p.Text)
		}
		if string(text) != c.text || show(g) != c.group || problem != c.problem {
			t.Errorf("%q:\n got %q %s %q\nwant %q %s %q", c.line, text, show(g), problem, c.text, c.group, c.problem)
		}
	}
}

func TestTrailingKeepsSourceOffsets(t *testing.T) {
	t.Parallel()
	src := []byte("# A {#one}\n# B {.two}\n")
	_, g, p := attrs.Trailing(src, 13, len(src))
	if p != nil || show(g) != ".two@16" || g.Start != 15 || g.End != 21 {
		t.Fatalf("got %+v, %v", g, p)
	}
}

func FuzzTrailing(f *testing.F) {
	for _, s := range []string{"A {#b}", `A {a="\\\""}`, "{{x}} {.a", "{#\xff}", "{a=b\xe4}", `\{#a}`, "{.a {.b}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\r\n") {
			return
		}
		src := []byte(line)
		text, g, p := attrs.Trailing(src, 0, len(src))
		if !strings.HasPrefix(line, string(text)) {
			t.Fatalf("text %q is no prefix of %q", text, line)
		}
		if p != nil && (g != nil || p.At < 0 || p.At > len(src)) {
			t.Fatalf("problem at %d with group %v in %q", p.At, g, line)
		}
		if g == nil {
			return
		}
		if src[g.Start] != '{' || src[g.End-1] != '}' || strings.TrimRight(line[g.End:], " \t") != "" {
			t.Fatalf("group %d..%d is not the end of %q", g.Start, g.End, line)
		}
		for _, pair := range g.Pairs {
			if line[pair.At:pair.At+len(pair.Key)] != pair.Key {
				t.Fatalf("key %q is not at %d of %q", pair.Key, pair.At, line)
			}
		}
		for _, w := range append(g.IDs, g.Classes...) {
			if line[w.At+1:w.At+1+len(w.Text)] != w.Text {
				t.Fatalf("word %q is not at %d of %q", w.Text, w.At, line)
			}
		}
	})
}
