package script_test

import (
	"io"
	"strings"
	"testing"

	"stepgate/lab/dolphindb/script"
)

// TestScriptsEnd: whatever a script asks for, it ends soon, with DolphinDB's
// message or the interpreter's.
func TestScriptsEnd(t *testing.T) {
	t.Parallel()
	const grow = "(select a + a as a from table(1..1000000 as a))"
	for _, c := range []struct{ what, src, want string }{
		{"a loop without end", "while (true) { }", "takes too many steps"},
		{"a loop without end whose error is caught", "while (true) { try { 1/`x } catch(ex) { } }", "takes too many steps"},
		{"a function that calls itself", "def f(x) { return f(x + 1) }\nf(1)", "The call stack is too deep."},
		{"functions that call each other", "def f(g, x) { return g(g, x) }\nf(f, 1)", "The call stack is too deep."},
		{"a text that doubles", "s = \"x\"\nfor (i in 1..100) { s = s + s }", "too"},
		{"a text that doubles in a list", "s = \"x\"\nfor (i in 1..30) { s = [concat([s, s])][0] }\n", "too"},
		{"a vector that doubles", "v = 1..1000\nfor (i in 1..100) { v.append!(v) }", "takes too many steps"},
		{"vectors in vectors", "v = [1]\nfor (i in 1..1000) { v = [v, v] }\nprint(v)", ""},
		{"vectors in vectors, counted", "v = [1]\nfor (i in 1..1000) { v = [v, v] }\nv + 1", "too"},
		{"a sequence", "1..100000000000", "The sequence is too long."},
		{"many sequences", "for (i in 1..100) { x = 1..900000 }", "takes too many steps"},
		{"much output", "x = table(1..30 as a, take(\"0123456789\", 30) as b)\nfor (i in 1..60000) { print(x) }", "too"},
		{"a table that is read often", "for (i in 1..100) { x = " + grow + " }", "takes too many steps"},
		{"brackets", strings.Repeat("(", 20_000), "nested too deeply"},
		{"signs", strings.Repeat("-", 20_000) + "1", "nested too deeply"},
		{"blocks", strings.Repeat("if (true) {", 20_000), "nested too deeply"},
		{"blocks without braces", strings.Repeat("if (true) ", 20_000) + "1", "nested too deeply"},
		{"a long sum", "1" + strings.Repeat("+1", 20_000), ""},
		{"a long sum of texts", `"x"` + strings.Repeat(`+"x"`, 20_000), "too"},
		{"a long script", strings.Repeat("x=1\n", 300_000), "The script is too long."},
		{"a moment far away", "2023.01.01 + 99999999999; now() + 9223372036854775807", ""},
		{"the smallest integer", "(-9223372036854775807 - 1) / -1; abs(-9223372036854775807 - 1)", ""},
	} {
		err := script.Run(c.src, newCluster().on("node43"), io.Discard)
		switch {
		case err == nil && c.want != "":
			t.Errorf("%s: no error", c.what)
		case err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %.300v", c.what, err)
		}
	}
}

// TestOtherMistakes are refused, never guessed.
func TestOtherMistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ src, want string }{
		{"getClusterPref()", "Syntax Error: [line #1] Cannot recognize the token getClusterPref"},
		{"x", "Syntax Error: [line #1] Cannot recognize the token x"},
		{"def f(a) { return b }\nf(1)", "Syntax Error: [line #1] Cannot recognize the token b"},
		{"b = 1\ndef f() { return b }", "Syntax Error: [line #2] Cannot recognize the token b"},
		{"print(1))", "Syntax Error: [line #1] Cannot recognize the token )"},
		{"print(1", "Syntax Error: [line #1] ',' is expected at the end of the script."},
		{`print("a`, "Syntax Error: [line #1] The string isn't closed: a quotation mark is missing."},
		{"/* a\n", "Syntax Error: [line #1] The comment isn't closed."},
		{"select a from table(1..3 as a) context by a", "Syntax Error: [line #1] Cannot recognize the token context"},
		{"select a + 1 from table(1..3 as a)", "Syntax Error: [line #1] The column a + 1 needs a name: write it as a + 1 as NAME."},
		{"break", "Syntax Error: [line #1] break must be used in a loop."},
		{"return 1", "Syntax Error: [line #1] return must be used in a function."},
		{"def version() { return 1 }", "Syntax Error: [line #1] Not allowed to overwrite existing functions/procedures [version] by system functions/procedures."},
		{"12ab", "Syntax Error: [line #1] Cannot recognize the token 12ab"},
		{"2023.13.01", "Syntax Error: [line #1] Invalid temporal literal 2023.13.01"},
		{"#", "Syntax Error: [line #1] Cannot recognize the token #"},
		{`rpc("node99", version)`, `rpc("node99", version) => Can't find the node node99 in the cluster.`},
		{`pnodeRun("version")`, `pnodeRun("version") => The first argument of pnodeRun must be a function without quotation marks.`},
		{"pnodeRun(version, `node99)", "pnodeRun(version, `node99) => The node node99 is not alive."},
		{"select * from 5", "select * from 5 => A table is expected after from, not a long."},
		{"1 2 3 + 1 2", "1 2 3 + 1 2 => Incompatible vector size"},
		{"def f(a) { return a }\nf(1, 2)", "f(1, 2) => The function [f] expects 1 argument(s), but the actual number of arguments is: 2"},
		{"t = table(1 as a)\ntableInsert(t, 1, 2)", "tableInsert(t, 1, 2) => The number of table columns doesn't match the number of columns to append."},
		{"t = table(1:0, [`a], [INT])\ntableInsert(t, `x)", "tableInsert(t, `x) => Failed to append data to column 'a' reason: data type STRING, expect INT"},
		{"t = table(1:0, [`a], [INT])\ninsert into t (b) values (1)", "insert into t (b) values (1) => The column [b] does not exist."},
		{"throw \"stop\"", "stop"},
		{"database(path=\"x\")", `database(path="x") => The function [database] doesn't have a parameter named path.`},
	} {
		got := ""
		if err := script.Run(c.src, newCluster().on("node43"), io.Discard); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.src, got, c.want)
		}
	}
}

func FuzzRun(f *testing.F) {
	for _, s := range []string{
		"login(\"admin\", \"123456\")\nselect count(*), max(id) from loadTable(\"dfs://stock\", \"stock\") where id in 1..3 group by name order by name desc",
		"pnodeRun(getConfig{`chunkMetaDir})", "try { throw 1 } catch(ex) { print ex }", "def f(a, b) { if (a > b) return a else return b }\nf(1, 2)",
		"t = table(1:0, `a`b, [INT, STRING]); insert into t values (1, \"x\"); t.append!(table(1..2 as a, `c`d as b)); t[`a]; t[0]; t.b",
		"x = 2023.01.10T10:00:00.000 - 1; now() - x; date(x) + 1..3", "d = dict(`a`b, 1 2); d[`a] = 5; for (k in d) { print(k + d[k]) }",
		"v = 1..5; v[1:3]; v[0] = `x; each(def(x) { return x * 2 }, v)", "iif([1,0,1], 1, 2); 'a\\n' like '%a%' && !(1 between 0:2)", "1b 0b; 00i; 5l; 1e3; .5",
		"rpc(getControllerAlias(), getClusterPerf, true)", "/* c */ // d\n`;`", "\"\\\"\\x\"", "do", "a.b", "[[[[", "{}", "x=1;x/=0;x", "select top 2 * from (select 1 as a from table(1 as b))",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		err := script.Run(src, newCluster().on("node43"), io.Discard)
		if checked := script.Check(src); checked != nil && (err == nil || err.Error() != checked.Error()) {
			t.Fatalf("Check says %q, Run %v", checked, err)
		}
	})
}
