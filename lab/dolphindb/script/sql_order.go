package script

import (
	"slices"
	"strings"
)

// sorted orders the result by its own columns, or by those of the rows it is from.
func (q *query) sorted(in *interp, sc *scope, v *view, out *Table, fewer bool) error {
	if len(q.order) == 0 {
		return nil
	}
	named := map[string][]Value{}
	for c, n := range out.Cols {
		named[strings.ToLower(n)] = out.col(c)
	}
	by := &view{t: &Table{}, rows: make([]int, len(out.Rows)), named: named}
	if !fewer {
		by.t, by.rows = v.t, v.rows
	}
	keys := make([][]Value, len(q.order))
	for i, o := range q.order {
		w, err := o.x.eval(in, &scope{vars: sc.vars, table: by})
		if err != nil {
			return err
		}
		if keys[i], err = spread(w, len(out.Rows)); err != nil {
			return err
		}
	}
	place := make([]int, len(out.Rows))
	for i := range place {
		place[i] = i
	}
	if err := in.room(len(place) * 4); err != nil {
		return err
	}
	comparable := true
	slices.SortStableFunc(place, func(a, b int) int {
		for i, o := range q.order {
			c, ok := compare(keys[i][a], keys[i][b])
			comparable = comparable && ok
			if o.desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	if !comparable {
		return say("The column of order by holds values that can't be compared.")
	}
	rows := make([][]Value, len(place))
	for i, p := range place {
		rows[i] = out.Rows[p]
	}
	out.Rows = rows
	return nil
}

func (t *Table) unique() {
	seen := map[string]bool{}
	t.Rows = slices.DeleteFunc(t.Rows, func(row []Value) bool {
		var b strings.Builder
		for _, v := range row {
			b.WriteString(key(v) + "\x00")
		}
		was := seen[b.String()]
		seen[b.String()] = true
		return was
	})
}
