package conf_test

import (
	"fmt"
	"strings"
	"testing"

	"stepgate/runbook/conf"
)

func show(t conf.Table, indent string, b *strings.Builder) {
	for _, e := range t {
		if sub, ok := e.Value.(conf.Table); ok {
			fmt.Fprintf(b, "%s%s %d:%d\n", indent, e.Key, e.At.Line, e.At.Col)
			show(sub, indent+"  ", b)
			continue
		}
		fmt.Fprintf(b, "%s%s %d:%d = %v\n", indent, e.Key, e.At.Line, e.At.Col, e.Value)
	}
}

func TestReadKeepsOrderAndPlaces(t *testing.T) {
	t.Parallel()
	src := `title = "a # b"
list = [
  "x = 1", # y = 2
  "[z]",
]
  text = '''
[not.a.table]
no = "key"
''' # end
inline = { b = 1, a = 2 }

[hosts."db-2.example"]
ssh = "x"
[hosts.'db-1']
a.b = 3
停止 = 1
[groups.g]
`
	src = strings.Replace(src, "停止 = 1\n", "", 1) // bare keys are ASCII
	table, p := conf.Read(src)
	if p != nil {
		t.Fatal(p, p.At)
	}
	var b strings.Builder
	show(table, "", &b)
	want := `title 1:1 = a # b
list 2:1 = [x = 1 [z]]
text 6:3 = [not.a.table]
no = "key"

inline 10:1
  b 10:1 = 1
  a 10:1 = 2
hosts 12:2
  db-2.example 12:2
    ssh 13:1 = x
  db-1 14:2
    a 15:1
      b 15:1 = 3
groups 16:2
  g 16:2
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestReadSaysWhereItFails(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"a = 1\nb = = 2\n":         "2:",
		"a = 1\na = 2\n":           "2:",
		"a = \"x\nb = 1\n":         "1:",
		"[t]\n[t]\n":               "2:",
		"x = 1\ny = [1, 2\n":       "",
		"a = 99999999999999999999": "1:",
	} {
		_, p := conf.Read(src)
		if p == nil {
			t.Errorf("%q was read", src)
			continue
		}
		if got := fmt.Sprintf("%d:%d", p.At.Line, p.At.Col); !strings.HasPrefix(got, want) || p.Text == "" {
			t.Errorf("%q: %s %q, want %s…", src, got, p.Text, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"a=1", "[a.b]\nc='''x\n'''", "a=[\n1\n]", "\"a\".b={c=1}", "[[x]]\ny=1", "a=\"\"\"\\\n\"\"\"", "0=+\n0\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		table, p := conf.Read(src)
		lines := strings.Count(src, "\n") + 1
		if p != nil && (p.At.Line < 1 || p.At.Line > lines || p.At.Col < 1 || p.At.Col > len(strings.Split(src, "\n")[p.At.Line-1])+1) {
			t.Fatalf("problem at %v", p.At)
		}
		for _, e := range table {
			if e.At.Line < 1 || e.At.Line > lines || e.At.Col < 1 {
				t.Fatalf("%q at %v of %d lines", e.Key, e.At, lines)
			}
		}
	})
}
