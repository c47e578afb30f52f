package checks

import (
	"fmt"
	"strings"
	"testing"
)

// flat writes a table as "columns: a b" and a line per row.
func flat(t *table, err error) string {
	if err != nil {
		return "unknown: " + err.Error()
	}
	out := []string{"columns: " + strings.Join(t.columns, "|")}
	for _, row := range t.rows {
		var cells []string
		for _, c := range t.columns {
			cells = append(cells, row[c])
		}
		out = append(out, strings.Join(cells, "|"))
	}
	return strings.Join(out, "\n")
}

func TestTables(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, first, in, want string }{
		{"names of nameservers under a lead-in line", "", `ns leader: 172.24.4.40:7527
endpoint             real_endpoint        role
--------------------------------------------------
172.24.4.40:7527     -                    leader
172.24.4.41:7527     -                    standby
`, "columns: endpoint|real_endpoint|role\n172.24.4.40:7527|-|leader\n172.24.4.41:7527|-|standby"},
		{"the same without alignment", "", "ns leader: a\nendpoint real_endpoint role\n-----\na - leader\nb - standby\n", "columns: endpoint|real_endpoint|role\na|-|leader\nb|-|standby"},
		{"an empty last cell, aligned", "", `op_id  op_type          name  pid  status  start_time      execute_time  end_time  cur_task     for_replica_cluster
------------------------------------------------------------------------------------------------------------------------
60     kReAddReplicaOP  flow  0    kDoing  20180824200624  4s            -         kLoadTable
`, "columns: op_id|op_type|name|pid|status|start_time|execute_time|end_time|cur_task|for_replica_cluster\n60|kReAddReplicaOP|flow|0|kDoing|20180824200624|4s|-|kLoadTable|"},
		{"an empty last cell, not aligned", "", "a b c\n---\n1 2\n", `unknown: a row of the table doesn't fit its 3 columns: "1 2"`},
		{"dash groups, a value with a blank", "", components, "columns: Endpoint|Role|Connect_time|Status|Ns_role\n" +
			"172.24.4.39:10821|tablet|2023-09-01 11:36:58|online|NULL\n172.24.4.40:10821|tablet|2023-09-01 11:36:57|online|NULL\n" +
			"172.24.4.40:7520|nameserver|2023-09-01 11:36:59|online|master\n172.24.4.41:7520|nameserver|2023-09-01 11:36:58|online|standby"},
		{"dash groups without rows", "", " ---- ----\n  a    b\n ---- ----\n ---- ----\n\n0 rows in set\n", "columns: a|b"},
		{"dash groups without rows or closing", "", " ---- ----\n  a    b\n ---- ----\n", "columns: a|b"},
		{"dash groups, an empty cell", "", " ---- ----\n  a    b\n ---- ----\n       x\n ---- ----\n", "columns: a|b\n|x"},
		{"dash groups under a lead-in", "", "connected\n ---- ----\n  a    b\n ---- ----\n  1    x\n ---- ----\n", "columns: a|b\n1|x"},
		{"dash groups, a value over the boundary", "", "a    b\n---- ----\n1 2 3 4 5\n", `unknown: a row of the table doesn't fit its 2 columns: "1 2 3 4 5"`},
		{"a name of one letter", "", "n\n-\n5\n", "columns: n\n5"},
		{"a name of one letter, named, without rows", "n", "n\n-\n", "columns: n"},
		{"names of one letter", "", "n name     d\n- -------- -\n1 数据 x   4\n", "columns: n|name|d\n1|数据 x|4"},
		{"a dash is a value where no rule can be", "", "tid  pid\n-    0\n", "columns: tid|pid\n-|0"},
		{"closing dashes after one row", "", "a    b\n---- ----\n1    2\n---- ----\n", "columns: a|b\n1|2"},
		{"prettytable after log lines", "", "INFO: ns leader\n" + status + "INFO: bye\n", "columns: Table_id|Table_name|Database_name|Partition_unalive|Replica\n6|t1|db|0|3\n7|t2|db|2|1"},
		{"indented, one long rule", "", "  key            value\n-----------------------\n  auto_failover  true\n", "columns: key|value\nauto_failover|true"},
		{"prettytable, no rows", "", "INFO: x\n+---+---+\n| a | b |\n+---+---+\n", "columns: a|b"},
		{"prettytable, centred", "", "+-----+------+\n|  a  | long |\n+-----+------+\n| 123 |  x   |\n+-----+------+\n", "columns: a|long\n123|x"},
		{"mysql, no rows", "", "+---+---+\n| a | b |\n+---+---+\n+---+---+\n", "columns: a|b"},
		{"mysql, a bar in a cell", "", "+-----+---+\n| a   | b |\n+-----+---+\n| x|y | 2 |\n+-----+---+\n1 row in set (0.00 sec)\n", "columns: a|b\nx|y|2"},
		{"framed, wide characters", "", "+------+---+\n| 名称 | b |\n+------+---+\n| 表   | 1 |\n+------+---+\n", "columns: 名称|b\n表|1"},
		{"framed, padded by bytes", "", "+------+---+\n| n    | b |\n+------+---+\n| 表  | 1 |\n+------+---+\n", "columns: n|b\n表|1"},
		{"framed, a rule between rows", "", "+---+---+\n| a | b |\n+===+===+\n| 1 | 2 |\n+---+---+\n| 3 | 4 |\n+---+---+\n", "columns: a|b\n1|2\n3|4"},
		{"framed, a broken row", "", "+---+---+\n| a | b |\n+---+---+\n| 1 |\n+---+---+\n", `unknown: a row of the table doesn't fit its 2 columns: "| 1 |"`},
		{"framed, cut off", "", "+---+---+\n| a | b |\n+---+---+\n| 1 | 2", `unknown: a row of the table doesn't fit its 2 columns: "| 1 | 2"`},
		{"framed, cut off between rows", "", "+---+---+\n| a | b |\n+---+---+\n| 1 | 2 |\n", "unknown: the frame of the table isn't closed: the text ends early"},
		{"framed, cut off after the header", "", "+---+---+\n| a | b |\n", "unknown: the frame of the table isn't closed: the text ends early"},
		{"values are no header", "", "4  5\n6  7\n", "unknown: there is no table with a header"},
		{"psql", "", " tid | mode \n-----+------\n   1 | x y\n   2 | \n(2 rows)\n", "columns: tid|mode\n1|x y\n2|"},
		{"dashed, wide characters", "", "名称    值\n------  ----\n表 一   1\n数据库  22\n", "columns: 名称|值\n表 一|1\n数据库|22"},
		{"kubectl", "", "NAME    READY   STATUS    RESTARTS      AGE\npod-1   1/1     Running   1 (2d ago)    5d\npod-2   0/1     Pending   0             1s\n", "columns: NAME|READY|STATUS|RESTARTS|AGE\npod-1|1/1|Running|1 (2d ago)|5d\npod-2|0/1|Pending|0|1s"},
		{"kubectl, blanks in names", "", "NAME   NOMINATED NODE   IP\np1     <none>           10.0.0.1\n", "columns: NAME|NOMINATED NODE|IP\np1|<none>|10.0.0.1"},
		{"capitals without rows", "", "CONTAINER ID   IMAGE   COMMAND\n", "columns: CONTAINER ID|IMAGE|COMMAND"},
		{"lower case over rows", "", "tid  pid\n1    0\n", "columns: tid|pid\n1|0"},
		{"lower case, single blanks", "", "tid pid\n1 0\n", `unknown: there is no table with a header`},
		{"lower case, single blanks, named", "tid", "some text\ntid pid\n1 0\n", "columns: tid|pid\n1|0"},
		{"tabs, an empty cell", "", "tid\tname\tx\n1\t\ty z\n", "columns: tid|name|x\n1||y z"},
		{"tabs, a short row", "", "tid\tname\n1\n", `unknown: a row of the table doesn't fit its 2 columns: "1"`},
		{"the second table by name", "b", "a  c\n----\n1  2\n\nb  d\n----\n3  4\n", "columns: b|d\n3|4"},
		{"the name isn't there", "x", status, `unknown: there is no table whose first column is "x"`},
		{"read two ways", "", "A      B    C\n1 2         3\n", `unknown: a row of the table doesn't fit its 3 columns: "1 2         3"`},
		{"prose", "", "Stopping tablet ...\nStop tablet success\n", "unknown: there is no table with a header"},
		{"an error", "", "error: cannot connect to the server\n", "unknown: there is no table with a header"},
		{"an empty set", "", "Empty set (0.00 sec)\n", "unknown: there is no table with a header"},
		{"nothing", "", "", "unknown: there is no table with a header"},
		{"only dashes", "", "-----\n-----\n", "unknown: there is no table with a header"},
		{"a column twice", "", "id  id  n\n---------\n1   2   3\n", "columns: n\n3"},
		{"a sentinel after the rows", "", "a  b\n----\n1  2\nDONE\n", `unknown: a row of the table doesn't fit its 2 columns: "DONE"`},
		{"an underlined heading before the table", "", "Cluster state\n=============\n\ntid  pid\n--------\n1    0\n", "unknown: there are several tables, and the first has no rows: name the first column, as in table(stdout, \"NAME\")"},
		{"an underlined heading, named", "tid", "Cluster state\n=============\n\ntid  pid\n--------\n1    0\n", "columns: tid|pid\n1|0"},
		{"one column", "", "version\n-------\n2.00.8 2023\n3\n", "columns: version\n2.00.8 2023\n3"},
	} {
		got := flat(parseTable(tt.in, tt.first))
		if cutAt := strings.Index(got, " (where it has"); cutAt > 0 {
			got = got[:cutAt]
		}
		if got != tt.want {
			t.Errorf("%s:\n%s\n got %s\nwant %s", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestTableRowsAreBounded(t *testing.T) {
	t.Parallel()
	got := flat(parseTable("a  b\n----\n"+strings.Repeat("1  2\n", maxRows+1), ""))
	if want := fmt.Sprintf("unknown: the table has more than %d rows", maxRows); got != want {
		t.Errorf("%.80s", got)
	}
}

func TestColumnTwiceIsUnknown(t *testing.T) {
	t.Parallel()
	rows := eval(t, `none(table(stdout), .id == "9")`, Observation{Stdout: "id  id  n\n---------\n1   2   3\n"})
	if rows[0].Verdict != Unknown || rows[0].Cause != `the table has several columns "id"` {
		t.Errorf("%+v", rows[0])
	}
}
