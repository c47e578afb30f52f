package conf_test

import (
	"fmt"
	"strings"
	"testing"

	"stepgate/runbook/conf"
)

func TestBounds(t *testing.T) {
	t.Parallel()
	deep, long := strings.Repeat("[", 33), strings.Repeat("a.", 32)+"b"
	for src, want := range map[string]string{
		"a = 1\nb = " + deep:                              "2:37 more than 32 lists and tables stand in each other",
		"a = " + strings.Repeat("{a=", 1_000_000):         "1:101 more than 32 lists and tables stand in each other",
		"a = 1\n" + long + " = 1":                         "2:64 a key has more than 32 parts",
		"[" + strings.Repeat("a.", 1_000_000) + "b]":      "1:65 a key has more than 32 parts",
		"a = {b = 1, " + long + " = 1}":                   "1:76 a key has more than 32 parts",
		"a = \"" + deep + "\"\nb = '" + long + "'":        "",
		"a = \"\\\"" + deep + "\"":                        "",
		"a = '''\n" + deep + "'" + long + "\n'''\n":       "",
		"a = \"\"\"" + deep + "\"" + long + "\"\"\"\nb=1": "",
		"# " + deep + long:                                "",
		"a = 1 # " + deep + long + "\nb = 1":              "",
		"[x]\na = [[1], [2]]\n":                           "",
	} {
		_, p := conf.Read(src)
		got := ""
		if p != nil {
			got = fmt.Sprintf("%d:%d %s", p.At.Line, p.At.Col, p.Text)
		}
		if got != want {
			t.Errorf("%.60q: %q, want %q", src, got, want)
		}
	}
}

// A million opening brackets: the library would run out of stack.
func TestNestingIsRefusedBeforeItIsRead(t *testing.T) {
	t.Parallel()
	if _, p := conf.Read("a = " + strings.Repeat("[", 3_000_000)); p == nil {
		t.Error("read")
	}
}
