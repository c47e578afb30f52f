package runbook

import (
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// shown is what the Markdown parser makes of a line in a paragraph.
func shown(s string) string {
	src := []byte("x " + s)
	var b strings.Builder
	_ = ast.Walk(goldmark.DefaultParser().Parse(text.NewReader(src)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(src))
		}
		return ast.WalkContinue, nil
	})
	return b.String()[2:]
}

var titles = map[string]string{
	"Stop `nginx` on **all** hosts": "Stop nginx on all hosts",
	"host_name and *x*":             "host_name and x",
	"1. Which `file`?":              "1. Which file?",
	"a * b * c":                     "a * b * c",
	"**停止**服务":                      "停止服务",
	"_all_ of [it](x)":              "all of it",
	"a \\* b &amp; c":               "a \\* b &amp; c",
	"`a b`":                         "a b",
	"***x***":                       "x",
	"- [x] `y`":                     "- [x] y",
	"  two  blanks ":                "two blanks",
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	for in, want := range titles {
		if got := plainText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// FuzzUnmarked: what is done without the Markdown parser is what it does.
func FuzzUnmarked(f *testing.F) {
	for in := range titles {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, "\r\n\x00") || strings.TrimSpace(s) != s || s == "" {
			return
		}
		if got, ok := unmarked(s); ok && got != shown(s) {
			t.Errorf("%q: %q, the parser says %q", s, got, shown(s))
		}
	})
}
