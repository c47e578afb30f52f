package script

import (
	"slices"
	"strings"
)

// view is some of a table's rows, as the columns of an SQL expression.
type view struct {
	t     *Table
	rows  []int
	named map[string][]Value // columns of the result, for order by and having
}

func (v *view) size() int { return len(v.rows) }

func (v *view) column(name string) ([]Value, bool) {
	c := v.t.at(name)
	if c < 0 {
		list, ok := v.named[strings.ToLower(name)]
		return list, ok
	}
	out := make([]Value, len(v.rows))
	for i, r := range v.rows {
		out[i] = v.t.Rows[r][c]
	}
	return out, true
}

// at is the place of a column, whatever its case, or -1.
func (t *Table) at(name string) int {
	return slices.IndexFunc(t.Cols, func(c string) bool { return strings.EqualFold(c, name) })
}

func (t *Table) col(c int) []Value {
	out := make([]Value, len(t.Rows))
	for i, r := range t.Rows {
		out[i] = r[c]
	}
	return out
}

func (t *Table) typeOf(c int) string {
	if c < len(t.Types) {
		return t.Types[c]
	}
	return ""
}

// loaded is the table with its rows: those of a table on disk are read at every
// use, so that what was appended since is there.
func (in *interp) loaded(t *Table) (*Table, error) {
	if t.name == "" {
		return t, in.room(len(t.Rows))
	}
	fresh, err := in.env.Table(t.db, t.name)
	if err != nil {
		return nil, err
	}
	v, err := fresh.taken()
	if err != nil {
		return nil, err
	}
	out, ok := v.(*Table)
	if !ok {
		return nil, say("The table [%s] does not exist.", t.name)
	}
	return out, in.room(len(out.Rows))
}

func (q *query) eval(in *interp, sc *scope) (Value, error) {
	if err := in.step(); err != nil {
		return nil, err
	}
	v, err := q.from.eval(in, &scope{vars: sc.vars})
	if err != nil {
		return nil, err
	}
	t, ok := v.(*Table)
	if !ok {
		return nil, fail(q.src, say("A table is expected after from, not a %s.", strings.ToLower(Kind(v))))
	}
	if t, err = in.loaded(t); err != nil {
		return nil, fail(q.src, err)
	}
	out, aggregated, err := q.rows(in, sc, t)
	if err != nil {
		return nil, fail(q.src, err)
	}
	switch {
	case !q.exec || len(out.Cols) != 1:
		return out, nil
	case aggregated && len(q.group) == 0:
		return out.Rows[0][0], nil
	}
	return out.col(0), nil
}

// rows is the result as a table; it is aggregated when every column is.
func (q *query) rows(in *interp, sc *scope, t *Table) (*Table, bool, error) {
	v := &view{t: t, rows: make([]int, len(t.Rows))}
	for i := range v.rows {
		v.rows[i] = i
	}
	in.depth++
	defer func() { in.depth-- }()
	for _, cond := range q.where {
		if err := in.filter(cond, sc, v); err != nil {
			return nil, false, err
		}
	}
	out, aggregated, err := q.result(in, sc, v)
	if err != nil {
		return nil, false, err
	}
	if q.having != nil && len(q.group) == 0 {
		return nil, false, say("having must be used with group by.")
	}
	if err := q.sorted(in, sc, v, out, aggregated || len(q.group) > 0); err != nil {
		return nil, false, err
	}
	if q.distinct {
		out.unique()
	}
	if q.top >= 0 && q.top < int64(len(out.Rows)) {
		out.Rows = out.Rows[:q.top]
	}
	return out, aggregated, nil
}

func (q *query) result(in *interp, sc *scope, v *view) (*Table, bool, error) {
	if len(q.group) > 0 {
		out, err := q.grouped(in, sc, v)
		return out, false, err
	}
	return q.plain(in, sc, v)
}

// filter keeps the rows for which the condition holds.
func (in *interp) filter(cond expr, sc *scope, v *view) error {
	w, err := cond.eval(in, &scope{vars: sc.vars, table: v})
	if err != nil {
		return err
	}
	list, err := spread(w, v.size())
	if err != nil {
		return err
	}
	var rows []int
	for i, x := range list {
		yes, err := truth(x)
		if err != nil {
			return err
		}
		if yes {
			rows = append(rows, v.rows[i])
		}
	}
	v.rows = rows
	return nil
}

// spread makes a vector of n values of one.
func spread(v Value, n int) ([]Value, error) {
	if list, ok := v.([]Value); ok {
		if len(list) != n {
			return nil, say("Incompatible vector size")
		}
		return list, nil
	}
	if !scalar(v) {
		return nil, say("A column can't hold a %s.", strings.ToLower(Kind(v)))
	}
	return slices.Repeat([]Value{v}, n), nil
}

// expanded replaces * by the table's columns.
func (q *query) expanded(t *Table) (items []item) {
	for _, it := range q.items {
		if _, all := it.x.(*star); !all {
			items = append(items, it)
			continue
		}
		for _, c := range t.Cols {
			items = append(items, item{x: &ident{name: c}, name: c})
		}
	}
	return items
}

// plain is a query without groups: one row when every column is a scalar.
func (q *query) plain(in *interp, sc *scope, v *view) (*Table, bool, error) {
	out := &Table{}
	var cols []Value
	n, vectors := 1, false
	for _, it := range q.expanded(v.t) {
		w, err := it.x.eval(in, &scope{vars: sc.vars, table: v})
		if err != nil {
			return nil, false, err
		}
		if list, ok := w.([]Value); ok {
			if vectors && len(list) != n {
				return nil, false, say("All columns must have the same size")
			}
			n, vectors = len(list), true
		}
		out.add(it, v.t)
		cols = append(cols, w)
	}
	return out, !vectors, out.fill(in, cols, n)
}

func (t *Table) add(it item, source *Table) {
	t.Cols = append(t.Cols, it.name)
	kind := ""
	if id, ok := it.x.(*ident); ok {
		if c := source.at(id.name); c >= 0 {
			kind = source.typeOf(c)
		}
	}
	t.Types = append(t.Types, kind)
}

// fill sets the rows from columns; a scalar stands in every row.
func (t *Table) fill(in *interp, cols []Value, n int) error {
	if err := in.room(n * len(cols)); err != nil {
		return err
	}
	t.Rows = make([][]Value, n)
	for i := range t.Rows {
		t.Rows[i] = make([]Value, len(cols))
	}
	for c, w := range cols {
		list, err := spread(w, n)
		if err != nil {
			return err
		}
		for i, x := range list {
			if !scalar(x) {
				return say("A column can't hold a %s.", strings.ToLower(Kind(x)))
			}
			t.Rows[i][c] = x
		}
	}
	return nil
}

// grouped has the keys' columns first, and a row for each group in the order of
// their first rows.
func (q *query) grouped(in *interp, sc *scope, v *view) (*Table, error) {
	out := &Table{}
	keys := make([][]Value, len(q.group))
	for i, g := range q.group {
		w, err := g.x.eval(in, &scope{vars: sc.vars, table: v})
		if err != nil {
			return nil, err
		}
		if keys[i], err = spread(w, v.size()); err != nil {
			return nil, err
		}
		out.add(g, v.t)
	}
	var items []item
	for _, it := range q.expanded(v.t) {
		if slices.ContainsFunc(q.group, func(g item) bool { return strings.EqualFold(g.name, it.name) }) {
			continue
		}
		items = append(items, it)
		out.add(it, v.t)
	}
	for _, at := range groups(keys, v.size()) {
		row, keep, err := q.group1(in, sc, v, keys, at, items)
		if err != nil {
			return nil, err
		}
		if keep {
			out.Rows = append(out.Rows, row)
		}
	}
	return out, nil
}

func groups(keys [][]Value, n int) (out [][]int) {
	place := map[string]int{}
	for i := range n {
		var b strings.Builder
		for _, k := range keys {
			b.WriteString(key(k[i]) + "\x00")
		}
		g, ok := place[b.String()]
		if !ok {
			g = len(out)
			place[b.String()] = g
			out = append(out, nil)
		}
		out[g] = append(out[g], i)
	}
	return out
}

func (q *query) group1(in *interp, sc *scope, v *view, keys [][]Value, at []int, items []item) (row []Value, keep bool, err error) {
	g := &view{t: v.t, named: map[string][]Value{}}
	for _, i := range at {
		g.rows = append(g.rows, v.rows[i])
	}
	for i, k := range keys {
		row = append(row, k[at[0]])
		g.named[strings.ToLower(q.group[i].name)] = slices.Repeat([]Value{k[at[0]]}, len(at))
	}
	inner := &scope{vars: sc.vars, table: g}
	for _, it := range items {
		w, err := it.x.eval(in, inner)
		if err != nil {
			return nil, false, err
		}
		if !scalar(w) {
			return nil, false, say("The column %s must be aggregated: the query has group by.", it.name)
		}
		row = append(row, w)
		g.named[strings.ToLower(it.name)] = slices.Repeat([]Value{w}, len(at))
	}
	if q.having == nil {
		return row, true, nil
	}
	w, err := q.having.eval(in, inner)
	if err != nil {
		return nil, false, err
	}
	if list, ok := w.([]Value); ok && len(list) > 0 {
		w = list[0]
	}
	keep, err = truth(w)
	return row, keep, err
}
