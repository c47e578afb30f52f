package script

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// signature is a function's parameters; those that may be left out end in "?".
type signature struct{ params []string }

func (s signature) known() bool { return s.params != nil }

func (s signature) count() (least, most int) {
	for _, p := range s.params {
		if !strings.HasSuffix(p, "?") {
			least++
		}
	}
	return least, len(s.params)
}

func takes(params ...string) signature {
	if params == nil {
		params = []string{}
	}
	return signature{params}
}

// serverFunctions go to Env.Call, with as many arguments as DolphinDB takes.
var serverFunctions = map[string]signature{
	"addAgentToController":         takes("host", "port", "alias"),
	"createPartitionedTable":       takes("dbHandle", "table", "tableName", "partitionColumns", "compressMethods?", "sortColumns?", "keepDuplicates?", "sortKeyMappingFunction?", "softDelete?", "indexes?"),
	"database":                     takes("directory", "partitionType?", "partitionScheme?", "locations?", "engine?", "atomic?", "chunkGranularity?"),
	"dropDatabase":                 takes("dbUrl"),
	"dropTable":                    takes("dbHandle", "tableName"),
	"existsDatabase":               takes("dbUrl"),
	"existsTable":                  takes("dbUrl", "tableName"),
	"forceCorrectVersionByReplica": takes("chunkId", "node"),
	"getActiveMaster":              takes(),
	"getAllChunks":                 takes(),
	"getChunksMeta":                takes("chunkPath?", "top?"),
	"getClusterChunksStatus":       takes("detail?"),
	"getClusterDFSDatabases":       takes(),
	"getClusterDFSTables":          takes(),
	"getClusterNodesCfg":           takes(),
	"getClusterPerf":               takes("includeMaster?"),
	"getConfig":                    takes("key?"),
	"getControllerAlias":           takes(),
	"getDFSDatabases":              takes(),
	"getDFSTablesByDatabase":       takes("dbUrl"),
	"getNodeHost":                  takes(),
	"getNodePort":                  takes(),
	"getNodeType":                  takes(),
	"logout":                       takes("userId?"),
	"resumeRecovery":               takes(),
	"saveClusterNodes":             takes("data"),
	"sleep":                        takes("milliseconds"),
	"startDataNode":                takes("nodes"),
	"stopDataNode":                 takes("nodes"),
	"suspendRecovery":              takes(),
	"triggerNodeReport":            takes("node", "chunkId?"),
	"version":                      takes(),
}

func wrongCount(name string, least, most, given int) error {
	n := fmt.Sprint(least)
	if most != least {
		n = fmt.Sprintf("%d~%d", least, most)
	}
	return say("The function [%s] expects %s argument(s), but the actual number of arguments is: %d", name, n, given)
}

// functionNamed is a function of the script, of this package or of the server.
func (in *interp) functionNamed(s string) (Func, bool) {
	if f, ok := in.defs[s]; ok {
		return f, true
	}
	if b := builtins[s]; b != nil {
		return Func{Name: s, apply: b.apply(s)}, true
	}
	sig, listed := serverFunctions[s], serverFunctions[s].known()
	if !listed {
		if l, ok := in.env.(Library); !ok || !l.Has(s) {
			return Func{}, false
		}
	}
	return Func{Name: s, apply: func(in *interp, args []Value) (Value, error) {
		if least, most := sig.count(); listed && (len(args) < least || len(args) > most) {
			return nil, wrongCount(s, least, most, len(args))
		}
		v, err := in.env.Call(s, args)
		if err != nil {
			return nil, err
		}
		if v, err = taken(v); err != nil {
			return nil, err
		}
		if s == "createPartitionedTable" {
			return onDisk(args)
		}
		return v, nil
	}}, true
}

// onDisk is the handle of the table that was created.
func onDisk(args []Value) (Value, error) {
	db, ok1 := args[0].(string)
	name, ok2 := args[2].(string)
	t, ok3 := args[1].(*Table)
	if !ok1 || !ok2 || !ok3 {
		return nil, nil
	}
	return &Table{Cols: t.Cols, Types: t.Types, db: db, name: name}, nil
}

// on is the same script on another node.
func (in *interp) on(env Env) *interp {
	other := *in
	other.env = env
	return &other
}

// rpc runs a function on the node with an alias: this one, the controller that
// leads, or a live data node.
func rpc(in *interp, args []Value) (Value, error) {
	alias, ok := args[0].(string)
	if !ok {
		return nil, say("The first argument of rpc must be the alias of a node.")
	}
	f, ok := args[1].(Func)
	if s, text := args[1].(string); text {
		f, ok = in.functionNamed(s)
	}
	if !ok {
		return nil, say("The second argument of rpc must be a function.")
	}
	env, err := in.node(alias)
	if err != nil {
		return nil, err
	}
	return f.apply(in.on(env), args[2:])
}

func (in *interp) node(alias string) (Env, error) {
	if in.env.Alias() == alias {
		return in.env, nil
	}
	for _, n := range in.env.DataNodes() {
		if n.Alias() == alias {
			return n, nil
		}
	}
	c, err := in.env.Controller()
	if err != nil {
		return nil, err
	}
	if c.Alias() == alias {
		return c, nil
	}
	return nil, say("Can't find the node %s in the cluster.", alias)
}

// pnodeRun runs a function on the data nodes and joins what they answer; the
// order of the nodes isn't stable.
func pnodeRun(in *interp, args []Value) (Value, error) {
	f, ok := args[0].(Func)
	if !ok {
		return nil, say("The first argument of pnodeRun must be a function without quotation marks.")
	}
	nodes := in.env.DataNodes()
	if len(args) > 1 && args[1] != nil {
		wanted, err := names(args[1])
		if err != nil {
			return nil, err
		}
		for _, w := range wanted {
			if !slices.ContainsFunc(nodes, func(e Env) bool { return e.Alias() == w }) {
				return nil, say("The node %s is not alive.", w)
			}
		}
		nodes = slices.DeleteFunc(slices.Clone(nodes), func(e Env) bool { return !slices.Contains(wanted, e.Alias()) })
	}
	nodes = slices.Clone(nodes)
	rand.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
	alias := len(args) < 3 || args[2] == nil
	if !alias {
		var err error
		if alias, err = truth(args[2]); err != nil {
			return nil, err
		}
	}
	out := &Table{}
	for _, n := range nodes {
		v, err := f.apply(in.on(n), nil)
		if err != nil {
			return nil, err
		}
		if err := out.answer(n.Alias(), v, alias); err != nil {
			return nil, err
		}
	}
	if len(out.Cols) == 0 {
		return nil, nil
	}
	return out, in.room(len(out.Rows) * len(out.Cols))
}

// answer adds what one node said.
func (t *Table) answer(node string, v Value, alias bool) error {
	var cols []string
	var rows [][]Value
	switch v := v.(type) {
	case nil:
		return nil
	case *Table:
		cols, rows = v.Cols, v.Rows
	case map[string]Value:
		row := []Value{}
		for _, k := range sortedKeys(v) {
			cols, row = append(cols, k), append(row, v[k])
		}
		rows = [][]Value{row}
	default:
		if !scalar(v) {
			return say("pnodeRun of a function that returns a %s isn't supported.", strings.ToLower(Kind(v)))
		}
		cols, rows = []string{"value"}, [][]Value{{v}}
	}
	if alias {
		cols = append([]string{"node"}, cols...)
	}
	switch {
	case t.Cols == nil:
		t.Cols = cols
	case !slices.Equal(t.Cols, cols):
		return say("The nodes returned tables with different columns.")
	}
	for _, r := range rows {
		if alias {
			r = append([]Value{node}, r...)
		}
		t.Rows = append(t.Rows, r)
	}
	return nil
}

// names reads a string or a vector of strings.
func names(v Value) ([]string, error) {
	list, ok := v.([]Value)
	if !ok {
		list = []Value{v}
	}
	out := make([]string, len(list))
	for i, x := range list {
		s, ok := x.(string)
		if !ok {
			return nil, say("A string or a vector of strings is expected.")
		}
		out[i] = s
	}
	return out, nil
}
