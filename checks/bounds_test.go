package checks

import (
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Expressions that would eat the machine end as unknown.
func TestBombsAreUnknown(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("x\n", 100_000)
	for _, src := range []string{
		`all(lines, all(lines, # == #))`,
		`none(lines, stdout matches # + "z+y")`,
		`any(lines, len(split(stdout, "z")) == 5)`,
		`len(reduce(1..60, #acc + #acc, "x")) > 0`,
		`len(reduce(1..60, replace(#acc, "x", repeat("x", 1000)), "x")) > 0`,
		`len(reduce(1..60, join([#acc, #acc]), "x")) > 0`,
		`len(reduce(1..60, repeat(#acc, 2), "x")) > 0`,
		`len(repeat(stdout, 900000)) > 0`,
		`len(1..100000000) > 0`,
		`all(lines, len(0..100000) > 0)`,
		`len(reduce(1..60, concat(#acc, #acc), [1])) > 0`,
		`reduce(1..60, [#acc, #acc], [1]) == reduce(1..60, [#acc, #acc], [1])`,
		`all(lines, # in lines and count(lines[0:1000], # == "y") == 0)`,
	} {
		t.Run(src, func(t *testing.T) {
			rows := eval(t, src, Observation{Stdout: many})
			if rows[0].Verdict != Unknown || rows[0].Cause == "" {
				t.Errorf("%+v", rows[0])
			}
		})
	}
}

// One compiled fence serves every host at once.
func TestEvalIsConcurrent(t *testing.T) {
	t.Parallel()
	e, problems := CompileExpect("let t = table(stdout)\nall(t, .Replica in [\"1\", \"3\"]) and stdout matches \"t\" + \"1\"", nil, OfScript)
	if len(problems) > 0 {
		t.Fatal(describe(problems))
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if rows := e.Eval(Observation{Ran: true, Stdout: status}, nil, nil); rows[0].Verdict != Pass {
					t.Errorf("%+v", rows)
				}
			}
		})
	}
	wg.Wait()
}

func TestSawIsOneShortLine(t *testing.T) {
	t.Parallel()
	wide := strings.Repeat("数据库\t\x1b[31m", 400) + "\n" + strings.Repeat("b", 5000)
	for _, src := range []string{
		`stdout == "x" or stderr == "y" or output == "z"`,
		`all(lines, # == "x") or none(lines, len(#) > 2)`,
		`lines == []`,
		`fromJSON(repeat("[", 5000) + repeat("]", 5000)) == []`,
		`{"` + strings.Repeat("键", 300) + `": stdout} == {}`,
	} {
		for _, row := range eval(t, src, Observation{Stdout: wide, Stderr: wide, Output: wide}) {
			if row.Saw == "" || ansi.StringWidth(row.Saw) > 120 || strings.ContainsAny(row.Saw, "\n\x1b\t") || !utf8.ValidString(row.Saw) {
				t.Errorf("%.60s: %d cells %q", src, ansi.StringWidth(row.Saw), row.Saw)
			}
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"a\tb\n", "a\tb\n"},
		{"10%\r100%\r\n", "10%100%\n"},
		{"\x1b[1;31mred\x1b[0m", "red"},
		{"\x1b]0;title\x07text", "text"},
		{"\x1b]0;never closed\nERROR: b\n", "\nERROR: b\n"},
		{"\x1bP1;2\nnext", "\nnext"},
		{"bad \xff\xfe bytes", "bad \uFFFD bytes"},
		{"gbk \xca\xfd\x9dERROR", "gbk \uFFFDERROR"},
		{"数据库", "数据库"},
	} {
		if got := plain(tt.in); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzCompileExpect(f *testing.F) {
	for _, src := range []string{
		`exit == 0`, `all(table(stdout, "tid"), .mode == "x")  // label`, "let t = table(stdout)\nnone(t, .a in old)", `json?.a["b"].c ?? {}`,
		`len(uniq(map(hosts("inst"), .sum))) == 1`, `lines[-1:] == ["x"]`, "`raw` == 'q' and not (flag or \"a\" matches stdout)", `(json.a ?? json.b?.c)?.[0] == nil`,
		`if exit == 0 { true } else { false }`, `reduce(lines, #acc + #, "") == stdout`, "any(json.items,\n  any(.spec, .a == #.b)) // x", `1..3 | map(# * 2) | sum() == 12`,
		`{"a": 1, "b": [exit]}.a == 1`, `sortBy(table(stdout), .a)[0].b == keys(json)[0]`, `let x = json; x?.y.z == duration("1s")`, `-number("1") < +quantity("1m") ** 2`,
	} {
		f.Add(src, status)
	}
	f.Fuzz(func(t *testing.T, src, out string) {
		if len(src) > 4096 || len(out) > 4096 {
			return
		}
		lines := strings.Count(src, "\n") + 1
		e, problems := CompileExpect(src, names, OfScript)
		if (e == nil) != (len(problems) > 0) {
			t.Fatalf("%d problems and %v", len(problems), e)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Col < 1 || p.Text == "" || strings.Contains(p.Text, "__") && !strings.Contains(src, "__") {
				t.Fatalf("problem %+v of %q", p, src)
			}
		}
		if e == nil {
			return
		}
		o := Observation{Ran: true, Stdout: out}
		first := e.Eval(o, values, world{})
		if len(first) != len(e.Lines()) {
			t.Fatalf("%d rows for %d lines", len(first), len(e.Lines()))
		}
		for i, r := range e.Eval(o, values, world{}) {
			if r.Verdict != first[i].Verdict {
				t.Fatalf("%q is %s, then %s", src, first[i].Verdict, r.Verdict)
			}
			if (r.Verdict == Unknown) != (r.Cause != "") {
				t.Fatalf("%q: %+v", src, r)
			}
		}
	})
}

func FuzzTable(f *testing.F) {
	for _, s := range []string{components, status, "a  b\n----\n1  2\n", "A\tB\n1\t2\n", " a | b \n---+---\n 1 | 2\n", "NAME  X\np 1\n", "+-+\n|数|\n+-+\n"} {
		f.Add(s, "")
		f.Add(s, "a")
	}
	f.Fuzz(func(t *testing.T, s, first string) {
		tb, err := parseTable(plain(s), first)
		if err != nil {
			return
		}
		for _, row := range tb.rows {
			if len(row) != len(tb.columns) {
				t.Fatalf("row %v of columns %v", row, tb.columns)
			}
		}
	})
}
