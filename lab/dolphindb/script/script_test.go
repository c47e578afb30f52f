package script_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/lab/dolphindb/script"
)

// cluster is three data nodes and a controller whose tables are in memory.
type cluster struct {
	tables   map[string]*script.Table
	user     string
	leader   string
	versions map[string]string
}

// node is one of them, as a script sees it.
type node struct {
	*cluster
	alias string
}

func newCluster() *cluster {
	at := func(s string) time.Time {
		t, _ := time.Parse("2006.01.02T15:04:05.000", s)
		return t
	}
	return &cluster{
		leader:   "HActl44",
		versions: map[string]string{"node43": "2.00.8.12 2023.01.10", "node44": "2.00.7.4 2022.12.08", "node45": "2.00.7.4 2022.12.08"},
		tables: map[string]*script.Table{"dfs://stock/stock": {
			Cols: []string{"time", "name", "id"}, Types: []string{"TIMESTAMP", "SYMBOL", "INT"},
			Rows: [][]script.Value{
				{at("2023.01.10T10:00:01.000"), "Apple", int64(1)},
				{at("2023.01.10T10:00:02.000"), "Meta", int64(2)},
				{at("2023.01.10T10:00:05.500"), "Apple", int64(3)},
			},
		}},
	}
}

func (c *cluster) on(alias string) node { return node{c, alias} }

func (n node) Alias() string { return n.alias }

func (n node) Now() time.Time {
	return time.Date(2023, 1, 10, 10, 0, 6, 123456789, time.FixedZone("CST", 8*3600))
}

func (n node) Login(user, password string) error {
	if password != "123456" {
		return errors.New("the password is wrong")
	}
	n.user = user
	return nil
}

func (n node) Controller() (script.Env, error) {
	if n.leader == "" {
		return nil, errors.New("no leader")
	}
	return n.on(n.leader), nil
}

func (n node) DataNodes() (out []script.Env) {
	for a := range n.versions {
		out = append(out, n.on(a))
	}
	return out
}

func (n node) Table(db, name string) (*script.Table, error) {
	t := n.tables[db+"/"+name]
	if t == nil {
		return nil, errors.New("getFileBlocksMeta on path '/" + strings.TrimPrefix(db, "dfs://") + "/" + name + ".tbl' failed, reason: path does not exist")
	}
	return t, nil
}

func (n node) Append(db, name string, rows *script.Table) error {
	t, err := n.Table(db, name)
	if err == nil {
		t.Rows = append(t.Rows, rows.Rows...)
	}
	return err
}

func (n node) Call(name string, args []script.Value) (script.Value, error) {
	switch name {
	case "version":
		if v := n.versions[n.alias]; v != "" {
			return v, nil
		}
		return "2.00.7.4 2022.12.08", nil
	case "getControllerAlias", "getActiveMaster":
		return n.leader, nil
	case "getConfig":
		if args[0] == "dfsMetaDir" {
			return "/home/dolphindb/server/clusterDemo/data/" + n.alias + "/dfsMeta", nil
		}
		return "/home/dolphindb/server/clusterDemo/data/" + n.alias + "/storage", nil
	case "getClusterPerf":
		if n.alias != n.leader {
			return nil, errors.New("Only master or single mode supports function getClusterPerf")
		}
		return &script.Table{Cols: []string{"name", "mode", "state"}, Rows: [][]script.Value{{"node43", 0, 1}, {"node44", 0, 0}}}, nil
	case "getClusterChunksStatus":
		return &script.Table{Cols: []string{"chunkId", "state"}, Rows: [][]script.Value{
			{"5c3bd88f-8a13-4b5b-a8a5-5a0c5e1ff9bd", "COMPLETE"}, {"91b4e3a1-1f6c-4c0d-b5dc-9fb9fdd0e0c1", "RECOVERING"},
		}}, nil
	case "startDataNode":
		return nil, nil
	case "database":
		return args[0], nil
	case "createPartitionedTable":
		t := args[1].(*script.Table)
		n.tables[args[0].(string)+"/"+args[2].(string)] = &script.Table{Cols: t.Cols, Types: t.Types}
		return nil, nil
	}
	return nil, errors.New("the test knows no " + name)
}

// run is what the client shows: the output, and the message on a line of its own.
func run(c *cluster, alias, src string) string {
	var b strings.Builder
	if err := script.Run(src, c.on(alias), &b); err != nil {
		b.WriteString("! " + err.Error() + "\n")
	}
	return b.String()
}

// sortedRows puts the rows below the dashes in order: that of nodes isn't stable.
func sortedRows(s string) string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	if len(lines) > 2 {
		slices.Sort(lines[2:])
	}
	return strings.Join(lines, "\n") + "\n"
}

// TestOutput holds what scripts print against what is known of DolphinDB. From is
// where it is known from: "A2" and the like are steps of the rolling upgrade's
// tutorial (dolphindb/Tutorials_CN, gray_scale_upgrade_ha.md), "docs" is a page of
// docs.dolphindb.cn, "api" the formatting that DolphinDB's C++ API publishes.
func TestOutput(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, on, src, want string }{
		{
			"A2: pnodeRun(version)", "node43", "pnodeRun(version)",
			"node   value               \n------ --------------------\nnode43 2.00.8.12 2023.01.10\nnode44 2.00.7.4 2022.12.08 \nnode45 2.00.7.4 2022.12.08 \n",
		},
		{
			"A3: directories of the data nodes", "node43", "pnodeRun(getConfig{`chunkMetaDir})",
			"node   value                                                 \n" +
				"------ ------------------------------------------------------\n" +
				"node43 /home/dolphindb/server/clusterDemo/data/node43/storage\n" +
				"node44 /home/dolphindb/server/clusterDemo/data/node44/storage\n" +
				"node45 /home/dolphindb/server/clusterDemo/data/node45/storage\n",
		},
		{
			"A3: directory of the leader, not of this host's controller", "node43", "rpc(getControllerAlias(),getConfig{`dfsMetaDir})",
			"/home/dolphindb/server/clusterDemo/data/HActl44/dfsMeta\n",
		},
		{
			"A1: chunks that aren't complete", "node43", `select * from rpc(getControllerAlias(), getClusterChunksStatus) where state != "COMPLETE"`,
			"chunkId                              state     \n------------------------------------ ----------\n91b4e3a1-1f6c-4c0d-b5dc-9fb9fdd0e0c1 RECOVERING\n",
		},
		{
			"api: a table without rows", "node43", `select * from rpc(getControllerAlias(), getClusterChunksStatus) where state == "CONSTRUCTING"`,
			"chunkId state\n------- -----\n",
		},
		{"docs getActiveMaster", "HActl43", "getActiveMaster()", "HActl44\n"},
		{
			"docs getClusterPerf: the leader only", "HActl43", "getClusterPerf(true)",
			"! getClusterPerf(true) => Only master or single mode supports function getClusterPerf\n",
		},
		{
			"docs rpc: a function and its arguments", "node43", "select name, state from rpc(getControllerAlias(), getClusterPerf, true)",
			"name   state\n------ -----\nnode43 1    \nnode44 0    \n",
		},
		{
			"A14: the writer's rows", "node43",
			"select count(*), min(id), max(id), max(time), nunique(id) from loadTable(\"dfs://stock\", \"stock\")",
			"count min_id max_id max_time                nunique_id\n----- ------ ------ ----------------------- ----------\n3     1      3      2023.01.10T10:00:05.500 3         \n",
		},
		{
			"A14: distinct ids and the age in seconds", "node43",
			"select count(distinct id) as d, (now() - max(time)) / 1000 as age from loadTable(\"dfs://stock\", `stock)",
			"d age\n- ---\n3 0  \n",
		},
		{
			"A14: the largest gap between neighbours, in milliseconds", "node43",
			"exec max(deltas(time)) from (select time from loadTable(\"dfs://stock\", \"stock\") order by id)", "3500\n",
		},
		{
			"S1: database and table", "node43", "db = database(\"dfs://new\",VALUE,2023.01.01..2023.01.10,,'TSDB')\n" +
				"tmp = table(1:0,[`time,`name,`id],[TIMESTAMP,SYMBOL,INT])\npt = db.createPartitionedTable(tmp,`stock,`time,,`name,ALL)\n" +
				"tableInsert(pt, table(now() as time, `Apple as name, 1 as id))\nselect * from pt",
			"1\ntime                    name  id\n----------------------- ----- --\n2023.01.10T10:00:06.123 Apple 1 \n",
		},
		{"docs: / of integers rounds down", "node43", "7/2; -7/2; 7\\2; -7%2", "3\n-4\n3.5\n1\n"},
		{"docs: sequences", "node43", "1..5; 2023.01.01..2023.01.03", "[1,2,3,4,5]\n[2023.01.01,2023.01.02,2023.01.03]\n"},
		{"docs: vectors and copies of them", "node43", "y=6 4 7; x=y; y[1]=0; y; x", "[6,0,7]\n[6,4,7]\n"},
		{"docs: +=", "node43", "x=0;\nx+=5;\nx;\nx-=2;\nx", "5\n3\n"},
		{"docs: a function's three notations", "node43", "x=1..10; sum(x); x.sum(); sum x;", "55\n55\n55\n"},
		{"docs avg", "node43", "avg(1.5 2.5 2 2)", "2\n"},
		{"docs: symbols", "node43", "`a; `a`b; [`a, `b]", "a\n[\"a\",\"b\"]\n[\"a\",\"b\"]\n"},
		{"api: six digits behind the point", "node43", "1.0/3; 0.5; 4.0", "0.333333\n0.5\n4\n"},
		{"api: a dictionary", "node43", "dict(`a`b, 1 2)", "a->1\nb->2\n"},
		{"api: thirty elements", "node43", "1..31", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30...]\n"},
		{"api: a text is cut to 120/columns+5", "node43", "select `abcdefghijklmnopqrstuvwxyz0123456789 as a, 1 as b, 2 as c, 3 as d from table(1 as x)", "" +
			"a                                   b c d\n----------------------------------- - - -\nabcdefghijklmnopqrstuvwxyz01234567891 2 3\n"},
		{"api: one longer and it is cut", "node43", "select `abcdefghijklmnopqrstuvwxyz0123456789z as a, 1 as b, 2 as c, 3 as d from table(1 as x)", "" +
			"a                                   b c d\n----------------------------------- - - -\nabcdefghijklmnopqrstuvwxyz0123456...1 2 3\n"},
		{"docs for: a pair, upwards and downwards", "node43", "for(s in 2:4){print s};\nfor(s in 4:1) print s;", "2\n3\n3\n2\n1\n"},
		{"docs for: a table row by row", "node43", "x = 1 2\ny = 4 5\nt = table(x,y)\nfor(s in t) print s.y - s.x;", "3\n3\n"},
		{"docs for: break and continue", "node43", "for (i in 1..9) { if (i == 2) continue\nif (i == 5) break\nprint(i) }", "1\n3\n4\n"},
		{"docs if-else and while", "node43", "i = 0\nwhile (i < 3) {\n  i += 1\n  if (i == 1) { print(\"a\") }\n  else if (i == 2) print(\"b\")\n  else { print(\"c\") }\n}", "a\nb\nc\n"},
		{"docs def: return ends it", "node43", "def f(a, mutable b) {\n  for (x in a) { if (x > b) return x }\n  return NULL\n}\nf(1..9, 4); f(1..3, 4); isNull(f(1..3, 4))", "5\ntrue\n"},
		{"docs each", "node43", "each(def(x){ return x * x }, 1 2 3); each(size, [1..3, 1..5])", "[1,4,9]\n[3,5]\n"},
		{"docs partial application: the open argument", "node43", "f = iif{, `alive, `gone}; f(true); each(f, [true, false])", "alive\n[\"alive\",\"gone\"]\n"},
		{"docs: NULL in calculations and comparisons", "node43", "NULL; 1 + NULL; x = NULL; isNull(x); nullFill([1, NULL, 3], 0); sum([1, NULL, 3]); avg([]); count([1, NULL]); 1/0", "" +
			"NULL\n\ntrue\n[1,0,3]\n4\n\n1\n\n"},
		{"docs: logical operators", "node43", "true && false; true || false; !true; not false; (1 < 2) and (2 < 1); 3 in 1..5; `a in `b`c; \"abc\" like \"%b%\"; 2 between 1:3; 1..4 between 2:3", "" +
			"false\ntrue\nfalse\ntrue\nfalse\ntrue\nfalse\ntrue\ntrue\n[false,true,true,false]\n"},
		{"docs: conversions", "node43", "int(`7); int(\"x\"); long(2.5); double(\"1.5\"); string(12) + 1b; bool(`true); date(2023.01.10T10:00:00.000); timestamp(2023.01.10); datetime(2023.01.10T10:00:00.000); long(1970.01.02)", "" +
			"7\n\n3\n1.5\n12true\ntrue\n2023.01.10\n2023.01.10T00:00:00.000\n2023.01.10T10:00:00\n1\n"},
		{"docs: times have a unit", "node43", "2023.01.10 + 3; 2023.01.10 - 2023.01.01; 2023.01.10T10:00:01 - 2023.01.10T10:00:00; 2023.01.10T10:00:00.000 + 500; now() - 2023.01.10T10:00:00.000; now(true); today()", "" +
			"2023.01.13\n9\n1\n2023.01.10T10:00:00.500\n6123\n2023.01.10T10:00:06.123456789\n2023.01.10\n"},
		{"docs: texts", "node43", "strlen(`abc); upper(`a`b); lower(`A); trim(\" x \"); startsWith(`abc, `ab); endsWith(`abc, `b); strpos(`abc, `c); substr(`abcdef, 1, 2); split(\"dfs://stock/stock\", \"/\"); concat(`a`b, \"-\")", "" +
			"3\n[\"A\",\"B\"]\na\nx\ntrue\nfalse\n2\nbc\n[\"dfs:\",\"\",\"stock\",\"stock\"]\na-b\n"},
		{"docs: vectors", "node43", "x = 3 1 2; sort(x); sort(x, false); first(x); last(x); max(x); min(x); x[1]; x[0:2]; distinct(1 1 2); prev(x); deltas(x); take(1 2, 5); size(x); x.append!(9); x; all(x > 0); any(x > 9); abs(-3); -x", "" +
			"[1,2,3]\n[3,2,1]\n3\n2\n3\n1\n1\n[3,1]\n[1,2]\n[,3,1]\n[,-2,1]\n[1,2,1,2,1]\n3\n[3,1,2,9]\ntrue\nfalse\n3\n[-3,-1,-2,-9]\n"},
		{"docs: dictionaries", "node43", "d = dict(STRING, INT); d[`x] = 1; d[`y] = 2; d[`x]; d.y; keys(d); values(d); size(d); `x in d", "1\n2\n[\"x\",\"y\"]\n[1,2]\n2\ntrue\n"},
		{"docs: tables", "node43", "t = table(1 2 as a, `x`y as b); t.a; t[`b]; t[1].b; rows(t); cols(t); size(t); keys(t); t[0][`a]; typestr(t); typestr(t.a); typestr(1.5)", "" +
			"[1,2]\n[\"x\",\"y\"]\ny\n2\n2\n2\n[\"a\",\"b\"]\n1\nTABLE\nLONG VECTOR\nDOUBLE\n"},
		{"docs insert into", "node43", "t = table(1:0, `a`b, [INT, STRING])\ninsert into t values (1, `x)\ninsert into t (b) values (`y)\ninsert into t values ([3, 4], `z`w)\nt.append!(dict(`a`b, (5, `v)))\nt", "" +
			"a b\n- -\n1 x\n  y\n3 z\n4 w\n5 v\n"},
		{"docs: the schema's columns", "node43", "concat(exec name from schema(loadTable(\"dfs://stock\", \"stock\")).colDefs, \",\"); exec typeString from schema(loadTable(\"dfs://stock\", \"stock\")).colDefs", "" +
			"time,name,id\n[\"TIMESTAMP\",\"SYMBOL\",\"INT\"]\n"},
		{"docs group by, having and order by", "node43", "t = table(`a`b`a`c as s, 1 2 3 4 as n)\nselect sum(n), count(*) as c from t group by s having count(*) >= 1 order by c desc, s desc", "" +
			"s sum_n c\n- ----- -\na 4     2\nc 4     1\nb 2     1\n"},
		{"docs select: where with commas, in, like and lines", "node43", "t = table(`aa`ab`b as s, 1..3 as n)\nselect top 1 n * 2 as m\nfrom t\nwhere s like \"a%\", n in 1..3\n  and n > 1\norder by n", "m\n-\n4\n"},
		{"docs select distinct, limit, iif", "node43", "t = table(`a`b`a as s, 1..3 as n)\nselect distinct s from t\nselect s, iif(n > 1, `big, `small) as z from t limit 2\nexec distinct s from t", "" +
			"s\n-\na\nb\ns z    \n- -----\na small\nb big  \n[\"a\",\"b\"]\n"},
		{"docs exec: of no rows", "node43", "t = table(1:0, `a`b, [INT, STRING])\nexec max(a) from t\nexec a from t\nexec count(*) from t\nselect max(a) from t", "\n[]\n0\nmax_a\n-----\n     \n"},
		{"docs pnodeRun: nodes, and without their names", "node43", "pnodeRun(version, `node43); pnodeRun(getNodeAlias, `node44, false)", "" +
			"node   value               \n------ --------------------\nnode43 2.00.8.12 2023.01.10\nvalue \n------\nnode44\n"},
		{"docs rpc: a function of the script on another node", "node43", "def f(x) { return getNodeAlias() + x }\nrpc(`node44, f, \"!\"); rpc(getNodeAlias(), getNodeAlias)", "node44!\nnode43\n"},
		{"docs throw", "node43", "try { throw \"no\" } catch(ex) { print(ex[1]) }", "no\n"},
		{"docs: comments", "node43", "// a\nprint(1) // b\n/* c\nprint(2) */ print(3)\n", "1\n3\n"},
		{"docs: escapes", "node43", "print(\"a\\tb\\\\\\\"c'\" + 'd\\'e')", "a\tb\\\"c'd'e\n"},
		{"docs: try and catch", "node43", "try {1/`7} catch(ex){print \"oops, please make sure they are all numbers\"};\nex;", "" +
			"oops, please make sure they are all numbers\n\"SYSTEM_Operator\" : \"Arguments for div method can not be string.\"\n"},
		{"docs: an operator's error", "node43", "1/`7", "! Arguments for div method can not be string.\n"},
		{"docs: what is unknown is found before anything runs", "node43", "print(1)\nprint(2)\nfoo", "! Syntax Error: [line #3] Cannot recognize the token foo\n"},
		{"docs: = isn't == outside of SQL", "node43", "x = 1\nif (x = 1) { print(x) }", "! Syntax Error: [line #2] Please use '==' rather than '=' as equal operator in non-sql expression.\n"},
		{"docs top", "node43", "select top x * from table(1..3 as a)", "! Syntax Error: [line #1] integer constant expected after keyword top\n"},
		{"docs S02005", "node43", "select x from table(1..3 as a)", "! select x from table(1..3 as a) => Unrecognized column name x. RefId:S02005\n"},
		{"api tests: schema()", "node43", "schema()", "! schema() => The function [schema] expects 1 argument(s), but the actual number of arguments is: 0\n"},
		{"api tests: database()", "node43", "database()", "! database() => The function [database] expects 1~7 argument(s), but the actual number of arguments is: 0\n"},
		{"docs login", "node43", `login("admin", "no")`, `! login("admin", "no") => the password is wrong` + "\n"},
		{"the server is asked for each row that is appended", "node43", "t = loadTable(\"dfs://stock\", \"stock\")\nt.append!(table(now() as time, `a as name, 4 as id))\nexec count(*) from t", "4\n"},
		{"a command says nothing", "HActl44", `startDataNode(["node44"])`, ""},
		{"a command says nothing from elsewhere", "node43", `rpc(getControllerAlias(), startDataNode, ["node44"])`, ""},
		{"A14 in one expression", "node43", "t = loadTable(\"dfs://stock\", \"stock\")\nif ((exec count(*) from t where id = 7) == 0) { print(\"none\") }", "none\n"},
	} {
		if got := run(newCluster(), c.on, c.src); got != c.want && sortedRows(got) != c.want {
			t.Errorf("%s\n%s\ngot\n%swant\n%s", c.from, c.src, got, c.want)
		}
	}
}
