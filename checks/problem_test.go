package checks

import (
	"fmt"
	"strings"
	"testing"
)

func describe(problems []Problem) string {
	var out []string
	for _, p := range problems {
		out = append(out, fmt.Sprintf("%d:%d %s [%s]", p.Line, p.Col, p.Text, p.Remedy))
	}
	return strings.Join(out, "\n")
}

func TestExpectProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ src, want string }{
		{``, `1:1 the fence holds no assertion [write one, such as exit == 0, or remove the fence]`},
		{"let t = lines\n", `1:1 the fence holds no assertion [write one, such as exit == 0, or remove the fence]`},
		{`exitt == 0`, `1:1 unknown name "exitt" [did you mean exit?]`},
		{`lines == 库 and zzz == 1`, "1:10 unknown name \"库\" [declare it as a parameter, host variable or capture]\n1:16 unknown name \"zzz\" [declare it as a parameter, host variable or capture]"},
		{"exit == 0\n  endpiont == \"x\"", `2:3 unknown name "endpiont" [did you mean endpoint?]`},
		{"all(lines,\n  # == endpont)\nlen(lins) == 0", "2:8 unknown name \"endpont\" [did you mean endpoint?]\n3:5 unknown name \"lins\" [did you mean lines?]"},
		{`all(tabel(stdout), true)`, `1:5 unknown function "tabel" [did you mean table?]`},
		{`table == 1`, `1:1 table is a function [write table(…)]`},
		{`exit == "0"`, `1:6 == can't be used on int and string [write number(…) around the text, or quote the number]`},
		{`all(table(stdout), .Replica == 1)`, `1:29 == can't be used on string and int [write number(…) around the text, or quote the number]`},
		{`version(stdout) >= "4.2"`, `1:17 >= can't be used on version and string [write version("…") on both sides]`},
		{`max_outage < 60`, `1:12 < can't be used on duration and int [write duration("60s") for a span of time]`},
		{`lines contains "x"`, `1:7 contains can't be used on a list of strings and string [compare things of one kind]`},
		{`stdout`, `1:1 an assertion is true or false; this is a string [compare it with something]`},
		{`len(lines)`, `1:1 an assertion is true or false; this is an int [compare it with something]`},
		{`table(stdout)`, `1:1 an assertion is true or false; this is a table [compare it with something]`},
		{`exit = 0`, `1:6 unexpected token Operator("=") [compare with ==]`},
		{`exit == 0; true`, `1:1 only the last of several expressions would count [write one expression a line]`},
		{"all(lines, # == 1\nexit == 0", `1:4 the bracket ( is never closed [close it; a line goes on while a bracket is open]`},
		{"stdout == \"abc\nexit == 0", `1:11 the text that begins here is never closed [close it with " on the same line]`},
		{`rows[0].n == 0`, `1:1 rows is known under a sql fence [what is known here: errors exit json lines output stderr stdout]`},
		{`status == 200 and headers.x == body`, "1:1 status is known under an http fence [what is known here: errors exit json lines output stderr stdout]\n1:19 headers is known under an http fence [what is known here: errors exit json lines output stderr stdout]\n1:32 body is known under an http fence [what is known here: errors exit json lines output stderr stdout]"},
		{`monitor("w").samples > "0"`, `1:22 > can't be used on int and string [write number(…) around the text, or quote the number]`},
		{`monitor("w").longest_gap < 1`, `1:26 < can't be used on duration and int [write duration("60s") for a span of time]`},
		{`monitor("w", "hour").samples > 0`, `1:14 monitor() doesn't know this span [write "step" or "run", or leave it out for the innermost instance]`},
		{`monitor(writes).samples > 0`, `1:9 monitor() wants an id that is written out [write monitor("the-id")]`},
		{`ran(writes) or ok("x" + writes)`, "1:5 ran() wants an id that is written out [write ran(\"the-id\")]\n1:23 ok() wants an id that is written out [write ok(\"the-id\")]"},
		{`line == "x"`, `1:1 line is known under a monitor that is read line by line [what is known here: errors exit json lines output stderr stdout]`},
		{`now() > 0`, `1:1 now() isn't part of the language [expressions see no clock; compare what the command printed]`},
		{`get(json, "a") == nil`, `1:1 get() isn't part of the language [write a?.b or a?.[i] for what may be missing]`},
		{`$env["__scope"] == 1`, `1:1 $env isn't part of the language [name the variable itself]`},
		{`__scope == 1 or __get(stdout, 1)`, "1:1 unknown name \"__scope\" [declare it as a parameter, host variable or capture]\n1:17 unknown function \"__get\" []"},
		{`max_outage.Seconds() > 1`, `1:12 only functions can be called [write function(value)]`},
		{`stdout matches "("`, "1:8 error parsing regexp: missing closing ): `(` []"},
		{`regex(stdout, "(") == ""`, "1:15 error parsing regexp: missing closing ): `(` [write a regular expression of RE2]"},
		{`max_outage < duration("1 minute")`, `1:23 "1 minute" is no duration [write a number with a unit, such as 500ms, 60s or 1h30m]`},
		{`version(stdout) > version("four")`, `1:27 "four" is no version [write numbers between dots, such as 4.2.1]`},
		{"let host = 1\nexit == 0", `1:1 "host" can't be used after let: host is what expressions call a part of the observation [choose another name]`},
		{"let endpoint = 1\nexit == 0", `1:1 "endpoint" is a name already [choose another name]`},
		{"let a = nope\na == 1\na == 2", `1:9 unknown name "nope" [declare it as a parameter, host variable or capture]`},
		{"let a = 1\n  let a = 2\na == 1", `2:3 "a" is a name already [choose another name]`},
		{"let a = \"x\"\na == 1", `2:3 == can't be used on string and int [write number(…) around the text, or quote the number]`},
		{strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300), `1:201 brackets are nested too deeply [use let to name parts of the expression]`},
		{strings.Repeat("exit == 0 and ", 9000) + "true", `1:1 the fence holds more than 64 KiB [split it over several checks]`},
	} {
		e, problems := CompileExpect(tt.src, names, OfScript)
		if got := describe(problems); got != tt.want {
			t.Errorf("%.80q:\n got %s\nwant %s", tt.src, got, tt.want)
		}
		if e != nil && len(problems) > 0 {
			t.Errorf("%.80q: an expect in spite of problems", tt.src)
		}
	}
}

func TestCaptureProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ src, want string }{
		{"", `1:1 the fence captures nothing [write name = expression, or remove the fence]`},
		{"stdout", `1:1 a line of a capture fence is name = expression [write a name and = before the expression]`},
		{"x == 1", `1:1 a line of a capture fence is name = expression [write a name and = before the expression]`},
		{"PATH = stdout", `1:1 "PATH" can't be used after capture: the shell, the loader or Stepgate reads the environment variable PATH [choose another name]`},
		{"  len = 1", `1:3 "len" can't be used after capture: len is a function of the expression language [choose another name]`},
		{"版本 = stdout", `1:1 "版本" can't be used after capture: a name is letters, digits and _, and doesn't begin with a digit [choose another name]`},
		{"a = 1\na = 2", `2:1 "a" is a name already [choose another name]`},
		{"a = stdou\n b = a + 1\nc = nope(", "3:9 the bracket ( is never closed [close it; a line goes on while a bracket is open]\n1:5 unknown name \"stdou\" [did you mean stdout?]"},
		{"a = stdout\nb = a + 1", `2:7 + can't be used on string and int [write number(…) around the text, or quote the number]`},
	} {
		_, problems := CompileCapture(tt.src, names, OfScript)
		if got := describe(problems); got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.src, got, tt.want)
		}
	}
}

func TestValueProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		src   string
		type_ Type
		want  string
	}{
		{"", Bool, `1:1 the expression is empty [write one, or remove the attribute]`},
		{"true\nfalse", Bool, `2:1 an attribute holds one expression [join the lines with and, or with brackets]`},
		{`stdout == "x"`, Bool, `1:1 stdout isn't known here: nothing has been run [capture the value in an earlier step and use its name]`},
		{`endpoint`, Bool, `1:1 the expression must be a bool; this is a string []`},
		{`old`, String, `1:1 the expression must be a string; this is a list []`},
		{`endpoint == 'x'`, Bool, ""},
		{`leaders`, Number, ""},
		{`leaders`, String, ""},
	} {
		_, problems := CompileValue(tt.src, names, tt.type_)
		if got := describe(problems); got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.src, got, tt.want)
		}
	}
}

func TestUses(t *testing.T) {
	t.Parallel()
	e, problems := CompileExpect("let x = endpoint\nx == writes and (unset ?? host) == stdout and all(old, # == leaders)", names, OfScript)
	if len(problems) > 0 {
		t.Fatal(describe(problems))
	}
	if got := strings.Join(e.Uses(), " "); got != "endpoint host leaders old unset writes" {
		t.Error(got)
	}
}

func TestReserved(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"PATH", "IFS", "LD_PRELOAD", "BASH_ENV", "ENV", "HOME", "PS4", "STEPGATE_RUN", "host", "stdout", "lines", "rows", "monitor", "table", "all", "now",
		"uniq", "not", "nil", "run", "each", "on", "on_x", "__scope", "", "1a", "a-b", "a b", "库", "local",
	} {
		if why, bad := Reserved(name); !bad || why == "" {
			t.Errorf("%q may be used", name)
		}
	}
	for _, name := range []string{"cluster", "zk", "endpoint", "home", "path", "to_version", "_x", "ops_dir", "port", "user"} {
		if why, bad := Reserved(name); bad {
			t.Errorf("%q is refused: %s", name, why)
		}
	}
}

func TestDid(t *testing.T) {
	t.Parallel()
	known := []string{"timeout", "until", "title", "on", "cwd"}
	for _, tt := range []struct{ name, want string }{
		{"timout", "timeout"}, {"Timeout", "timeout"}, {"utnil", "until"}, {"titel", "title"}, {"cdw", "cwd"}, {"no", "on"}, {"something", ""}, {"", ""},
	} {
		if got := Did(tt.name, known); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.name, got, tt.want)
		}
	}
}
