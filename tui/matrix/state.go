package matrix

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// scene is a snapshot with what is looked up often.
type scene struct {
	*run.Snapshot
	with map[run.Key]struct{}
}

func newScene(s *run.Snapshot) *scene {
	sc := &scene{s, make(map[run.Key]struct{}, len(s.With)+1)}
	for _, k := range append([]run.Key{s.Current}, s.With...) {
		sc.with[k] = struct{}{}
	}
	return sc
}

// busy is what goes on at a spot, or nil.
func (s *scene) busy(c spot) *run.Activity { return wording.Busy(s.Snapshot, c.Key) }

// next reports whether a spot is what begins next.
func (s *scene) next(c spot) bool {
	_, ok := s.with[c.Key]
	return ok
}

// weight orders marks by how much they tell of several cells.
var weight = map[theme.Mark]int{
	theme.NotApplicable: 0, theme.Skipped: 1, theme.Excluded: 1, theme.Done: 2, theme.Pending: 3, theme.Gate: 4, theme.Ready: 5,
	theme.Running: 6, theme.Undone: 7, theme.Unknown: 8, theme.Failed: 9,
}

// spot is a cell as it is seen in a row: of a check step that looks at many places,
// at the row's.
type spot struct {
	*run.Cell
	where string // "": the cell as a whole
}

// spots are what a row has in a column.
func (g *Grid) spots(r *run.Run, row, col int) []spot {
	var out []spot
	for _, c := range g.Cells(r, row, col) {
		s := spot{c, ""}
		if where := g.Rows[row].Where; where != c.Key.Target {
			s.where = where
		}
		out = append(out, s)
	}
	return out
}

// looked is what checks have shown at the spot's place.
func (c spot) looked() (out []run.CheckResult) {
	if t := c.Checks[run.Before]; t != nil && c.where != "" {
		for _, res := range t.Checks {
			if res.Where == c.where {
				out = append(out, res)
			}
		}
	}
	return out
}

// mark is how a spot is drawn.
func mark(s *scene, c spot) theme.Mark {
	b := s.busy(c)
	switch {
	case b != nil && c.where != "":
		return looking(b, c.where)
	case b != nil:
		return theme.Running
	case c.Status == run.Failed || c.Status == run.Unknown:
		var vs []checks.Verdict
		for _, res := range c.looked() {
			vs = append(vs, res.Verdict)
		}
		if len(vs) > 0 {
			return wording.Verdict(checks.Worst(vs...))
		}
		return wording.Mark(c.Status)
	case c.Status != run.Pending:
		return wording.Mark(c.Status)
	case c.NeedsGate():
		return theme.Gate
	case s.next(c):
		return theme.Ready
	}
	return theme.Pending
}

// looking is how checks that are being taken stand at a place.
func looking(b *run.Activity, where string) theme.Mark {
	var vs []checks.Verdict
	for _, l := range b.Looks {
		switch {
		case l.Where != where:
		case !l.Done:
			return theme.Running
		default:
			vs = append(vs, l.Last.Verdict)
		}
	}
	if len(vs) == 0 {
		return theme.Running
	}
	return wording.Verdict(checks.Worst(vs...))
}

// worst is the one that tells most of those at one place.
func worst(s *scene, spots []spot) (spot, bool) {
	if len(spots) == 0 {
		return spot{}, false
	}
	return slices.MaxFunc(spots, func(a, b spot) int { return weight[mark(s, a)] - weight[mark(s, b)] }), true
}

// word says in a word or two how what is at one place stands.
func word(s *scene, spots []spot, now time.Time) string {
	c, ok := worst(s, spots)
	switch {
	case !ok:
		return ""
	case len(spots) > 1:
		return strings.TrimSpace(fmt.Sprintf("%s %d/%d", brief(s, c, now), settled(s, spots), len(spots)))
	}
	return brief(s, c, now)
}

func settled(s *scene, spots []spot) int {
	n := 0
	for _, c := range spots {
		if c.settled(s) {
			n++
		}
	}
	return n
}

// settled reports whether nothing is left to do: of a check step that looks at many
// places, at the spot's.
func (c spot) settled(s *scene) bool {
	return c.Status.Settled() || c.where != "" && mark(s, c) == theme.Done
}

func brief(s *scene, c spot, now time.Time) string {
	m := mark(s, c)
	switch b := s.busy(c); {
	case b != nil && m == theme.Running:
		return text.Duration(now.Sub(b.Since).Truncate(time.Second))
	case m == theme.Done:
		if d := c.took(); d > 0 {
			return text.Duration(d)
		}
		return wording.Status(run.Succeeded)
	case c.where != "" && m == theme.Failed:
		return wording.Status(run.Failed)
	case c.where != "" && m == theme.Unknown:
		return wording.Status(run.Unknown)
	case m == theme.NotApplicable:
		return "n/a"
	case m == theme.Excluded:
		return "out"
	case m == theme.Ready:
		return "next"
	case m == theme.Gate && c.Status == run.Pending:
		return "gate"
	case c.Status == run.Pending:
		return ""
	}
	return wording.Status(c.Status)
}

func (c spot) took() time.Duration {
	if c.where == "" {
		return wording.Took(c.Cell)
	}
	var longest int64
	for _, res := range c.looked() {
		longest = max(longest, res.TookMS)
	}
	return time.Duration(longest) * time.Millisecond
}

// rowMark sums a row up, with the rows below it.
func (g *Grid) rowMark(s *scene, row int) theme.Mark {
	total, settled, out := 0, 0, 0
	begun, here := false, false
	sum := theme.Pending
	for i := row; i < len(g.Rows) && (i == row || g.Rows[i].Depth > g.Rows[row].Depth); i++ {
		for col := range g.Cols {
			for _, c := range g.spots(s.Run, i, col) {
				m := mark(s, c)
				total++
				if c.settled(s) {
					settled++
				}
				if m == theme.Excluded {
					out++
				}
				begun = begun || c.Status != run.Pending
				here = here || c.Key == s.Current
				if weight[m] > weight[theme.Ready] && weight[m] > weight[sum] {
					sum = m
				}
			}
		}
	}
	switch {
	case sum != theme.Pending:
		return sum
	case out > 0 && settled == total:
		return theme.Excluded
	case settled == total:
		return theme.Done
	case begun || here:
		return theme.Ready
	}
	return sum
}

// out is why a row was taken out; "": it wasn't.
func (g *Grid) out(r *run.Run, row int) string {
	for _, p := range g.Rows[row].Walks {
		if why := r.Excluded[p.Walk.ID][p.Key]; why != "" {
			return wording.Line(why)
		}
	}
	return ""
}

// postponed reports whether an instance has begun, and is in no batch any more.
func postponed(r *run.Run, p Place) bool {
	batches := r.Batches[p.Walk.ID]
	if len(batches) == 0 || slices.ContainsFunc(batches, func(b []string) bool { return slices.Contains(b, p.Key) }) {
		return false
	}
	i := slices.Index(p.Walk.Keys, p.Key)
	begun, open := false, false
	for _, c := range wording.Below(r, p.Walk.Instances[i]) {
		begun = begun || !c.Begun.IsZero() && c.Status != run.NotApplicable
		open = open || !c.Status.Settled()
	}
	return begun && open
}

// rolls keeps how far the walks of a grid have come.
type rolls struct {
	run  *run.Run
	of   map[*plan.Walk]*rolled
	done string // of the grid; empty: not counted yet
}

type rolled struct {
	run.Rolling
	batch map[string]int // index in Batches by instance
	first map[string]bool
}

// forget drops what was kept of another state of the run.
func (m *rolls) forget(r *run.Run) {
	if !wording.Unchanged(m.run, r) {
		m.run, m.of, m.done = r, map[*plan.Walk]*rolled{}, ""
	}
}

func (m *rolls) get(r *run.Run, w *plan.Walk) *rolled {
	m.forget(r)
	ro := m.of[w]
	if ro == nil {
		ro = &rolled{r.Rolling(w), map[string]int{}, map[string]bool{}}
		for i, b := range ro.Batches {
			for j, k := range b {
				ro.batch[k] = i
				ro.first[k] = j == 0
			}
		}
		m.of[w] = ro
	}
	return ro
}

// label is what stands in front of a row: the first of a batch is told by it, and
// one that was moved to the end by that.
func (m *rolls) label(r *run.Run, row Row) string {
	for _, p := range row.Walks {
		if r.Orders[p.Walk.ID] != nil && postponed(r, p) {
			return "moved"
		}
		if p.Walk.Batch <= 1 && p.Walk.Each.Canary == 0 || len(p.Walk.Keys) == 1 {
			continue
		}
		if ro := m.get(r, p.Walk); ro.first[p.Key] {
			return strings.Replace(wording.Batch(ro.Rolling, ro.batch[p.Key]), " of ", "/", 1)
		}
	}
	return ""
}

// facts are what is to be said of the walks: of the outermost, and of the one
// inside it that the run stands in.
func (g *Grid) facts(s *scene, m *rolls, now time.Time) []string {
	var out []string
	say := func(lead, fact string) {
		if fact != "" {
			out = append(out, lead+fact)
		}
	}
	cur := s.Run.Cell(s.Current)
	for i, w := range g.Walks {
		lead := ""
		if i > 0 {
			if cur == nil || !strings.HasPrefix(cur.Key.Step, w.ID+"[") {
				continue
			}
			lead = wording.Line(wording.InstanceOf(w.Scope)) + ", "
		}
		ro := m.get(s.Run, w)
		say(lead, wording.Batched(w, ro.Rolling))
		say(lead, wording.Soaks(ro.Rolling, now))
		say(lead, wording.Failures(w, ro.Rolling))
		if n := len(s.Run.Excluded[w.ID]); n > 0 {
			say(lead, fmt.Sprintf("%d taken out", n))
		}
		say(lead, wording.Ordered(s.Run, w))
	}
	say("", wording.Stopping(s.Snapshot))
	return out
}

// through says how much is done of a sheet.
func (g *Grid) through(s *scene, m *rolls) string {
	if g.Walk != nil {
		return fmt.Sprintf("%d of %d through", len(m.get(s.Run, g.Walk).Settled), len(g.Walk.Keys))
	}
	if wording.Unchanged(m.run, s.Run) && m.done != "" {
		return m.done
	}
	done, total := 0, 0
	for row := range g.Rows {
		for col := range g.Cols {
			spots := g.spots(s.Run, row, col)
			done, total = done+settled(s, spots), total+len(spots)
		}
	}
	m.forget(s.Run)
	m.done = fmt.Sprintf("%d of %d done", done, total)
	return m.done
}
