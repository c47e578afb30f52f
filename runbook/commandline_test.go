package runbook

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// parsedLines are the simple commands of a text as the shell parser finds them.
func parsedLines(t *testing.T, interpreter, body string) []commandLine {
	t.Helper()
	f, _, err := parseShell(interpreter, body)
	if err != nil {
		t.Fatalf("%s: %q is taken for simple commands, and can't be read: %v", interpreter, body, err)
	}
	var out []commandLine
	var stmt func(s *syntax.Stmt, piped bool)
	stmt = func(s *syntax.Stmt, piped bool) {
		if s.Negated || s.Background || len(s.Redirs) > 0 {
			t.Fatalf("%s: %q is taken for simple commands", interpreter, body)
		}
		switch cmd := s.Cmd.(type) {
		case *syntax.CallExpr:
			if len(cmd.Args) > 0 {
				out = append(out, commandLine{args: texts(cmd.Args), piped: piped})
			}
		case *syntax.DeclClause:
			args := []string{cmd.Variant.Value}
			for _, a := range cmd.Args {
				arg := words(a.Value)
				if a.Name != nil {
					arg = a.Name.Value
					if !a.Naked {
						arg += "=" + words(a.Value)
					}
				}
				args = append(args, arg)
			}
			out = append(out, commandLine{args: args, piped: piped})
		case *syntax.BinaryCmd:
			stmt(cmd.X, piped)
			stmt(cmd.Y, cmd.Op == syntax.Pipe)
		default:
			t.Fatalf("%s: %q is taken for simple commands and holds a %T", interpreter, body, cmd)
		}
	}
	for _, s := range f.Stmts {
		stmt(s, false)
	}
	var carried []string
	carriedOver(body, f, func(line string) { carried = append(carried, line) })
	for i, cmd := range out {
		if cmd.args[0] != "cd" && cmd.args[0] != "export" {
			continue
		}
		if len(carried) == 0 {
			t.Fatalf("%s: %q carries over less than is read", interpreter, body)
		}
		out[i].carry, carried = carried[0], carried[1:]
	}
	return out
}

// sameLines: what is read without the shell parser is what the parser reads, in
// every shell.
func sameLines(t *testing.T, body string) bool {
	t.Helper()
	got, ok := commandLines(body)
	if !ok {
		return false
	}
	for _, shell := range []string{"sh", "bash", "mksh", "zsh"} {
		want := parsedLines(t, shell, body)
		if !slices.EqualFunc(got, want, func(a, b commandLine) bool {
			return a.piped == b.piped && a.carry == b.carry && slices.Equal(a.args, b.args)
		}) {
			t.Fatalf("%s: %q is read as %v, the parser says %v", shell, body, got, want)
		}
	}
	return true
}

var someBodies = map[string]bool{
	"ls -la":                           true,
	"a | b -c 'd e' || f && g; h\n# x": true,
	"A=1 B='x y' make -j4 \"$TARGET\"": true,
	"systemctl \\\n  stop \\\n  nginx": true,
	"r''m -r x":                        true,
	"\"$DIR\"/bin/x":                   true,
	"curl -s https://x.org/a?b":        true,
	"A=1":                              true,
	"":                                 true,
	"tail -f 日志.log":                   true,
	"a#b":                              false,
	"a >b":                             false,
	"a &":                              false,
	"a ;; b":                           false,
	"a |":                              false,
	"| a":                              false,
	"a && \n b":                        false,
	"if a; then b; fi":                 false,
	"cd x":                             true,
	"cd x && A=1 cd ~/y # z":           false,
	"cd x && cd ~/y # z":               true,
	"cd x | y":                         false,
	"cd x || exit":                     false,
	"export A=1 B=\"$A:x\" C":          true,
	"export -n A":                      false,
	"A=1 export B":                     false,
	"[ -f a ] && ls *.log ~/b?":        true,
	"$(a)":                             false,
	"a \\":                             false,
	"a 'b":                             false,
	"a \"b":                            false,
	"a $1":                             false,
	"a ${b:-c}":                        false,
	"a[1]=b":                           false,
	"a=(b)":                            false,
	"{ a; }":                           false,
}

func TestSimpleCommandsAreReadAsTheParserReadsThem(t *testing.T) {
	t.Parallel()
	for body, want := range someBodies {
		if got := sameLines(t, body); got != want {
			t.Errorf("%q is simple: %v, want %v", body, got, want)
		}
	}
}

func FuzzCommandLines(f *testing.F) {
	for body := range someBodies {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if strings.ContainsRune(body, 0) || !utf8.ValidString(body) || len(body) > 2000 {
			return
		}
		sameLines(t, body)
	})
}
