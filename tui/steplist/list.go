package steplist

import (
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// List is the tree with the operator's place in it. The zero value follows the
// run.
type List struct {
	snap   *run.Snapshot
	rows   []Row
	cursor string // row id; "" follows the run
	folds  map[string]bool
	scroll pane.Scroll
}

// Set takes a newer snapshot.
func (l *List) Set(s *run.Snapshot) {
	l.snap = s
	l.rows = build(s, l.folds)
	if l.cursor != "" && l.index() < 0 {
		l.cursor = ""
	}
}

// Away reports whether the operator looks at something else than where the run
// stands.
func (l *List) Away() bool { return l.cursor != "" }

// Return goes back to where the run stands, and follows it again.
func (l *List) Return() { l.cursor = "" }

// Move moves the cursor by n rows.
func (l *List) Move(n int) {
	if len(l.rows) == 0 {
		return
	}
	l.put(max(min(l.at()+n, len(l.rows)-1), 0))
}

// Click puts the cursor on the row shown at a line of the list.
func (l *List) Click(line int) {
	if i := l.scroll.Top + line; i >= 0 && i < len(l.rows) {
		l.put(i)
	}
}

func (l *List) put(i int) {
	l.cursor = l.rows[i].ID
	if i == l.here() {
		l.cursor = ""
	}
}

// Fold opens or closes the row under the cursor; a row that can't be folded
// closes what it is in.
func (l *List) Fold(open bool) {
	if l.snap == nil || len(l.rows) == 0 {
		return
	}
	i := l.at()
	for !open && i > 0 && !(l.rows[i].Foldable && l.rows[i].Open) {
		d := l.rows[i].Depth
		for i > 0 && l.rows[i].Depth >= d {
			i--
		}
		if d == 0 {
			break
		}
	}
	if !l.rows[i].Foldable {
		return
	}
	if l.folds == nil {
		l.folds = map[string]bool{}
	}
	id := l.rows[i].ID
	l.folds[id] = open
	l.rows = build(l.snap, l.folds)
	for j, r := range l.rows {
		if r.ID == id {
			l.put(j)
		}
	}
}

// Toggle folds or unfolds the row under the cursor.
func (l *List) Toggle() {
	if len(l.rows) > 0 {
		l.Fold(!l.rows[l.at()].Open)
	}
}

// Selected returns the row under the cursor.
func (l *List) Selected() (Row, bool) {
	if len(l.rows) == 0 {
		return Row{}, false
	}
	return l.rows[l.at()], true
}

func (l *List) index() int {
	for i, r := range l.rows {
		if r.ID == l.cursor {
			return i
		}
	}
	return -1
}

// here is the row the run stands at: the deepest one that is visible.
func (l *List) here() int {
	best := 0
	for i, r := range l.rows {
		if r.Key == l.snap.Current && (r.Step != nil || !r.Open) {
			best = i
		}
	}
	return best
}

func (l *List) at() int {
	if i := l.index(); i >= 0 && l.cursor != "" {
		return i
	}
	return l.here()
}

// Lines draws the tree in at most h lines of w cells.
func (l *List) Lines(t *theme.Theme, w, h int, now time.Time, spin string) []string {
	if l.snap == nil || len(l.rows) == 0 || h < 1 {
		return nil
	}
	at := l.at()
	if l.Away() {
		l.scroll.Show(at, len(l.rows), h)
	} else {
		l.scroll.Around(at, len(l.rows), h)
	}
	from, to := l.scroll.Top, min(l.scroll.Top+h, len(l.rows))
	out := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, l.line(t, l.rows[i], w, i == at, now, spin))
	}
	return out
}

// Scroll returns the position, for the frame around the list.
func (l *List) Scroll() *pane.Scroll { return &l.scroll }

func (l *List) line(t *theme.Theme, r Row, w int, selected bool, now time.Time, spin string) string {
	mark, right := t.Draw(r.Mark), r.Right
	current := r.Key == l.snap.Current && r.Step != nil && !(r.Foldable && r.Open)
	switch {
	case r.Foldable && r.Open:
		mark = t.Muted.Render(t.Glyph.Open)
	case r.Step != nil:
		if b := wording.Busy(l.snap, r.Key); b != nil {
			right = text.Duration(now.Sub(b.Since).Truncate(time.Second))
			if spin != "" {
				mark = t.Live.Render(spin)
			}
		}
	}
	title := strings.TrimSpace(r.Number + " " + r.Title)
	style := t.Text
	switch {
	case current:
		style = t.Strong
	case r.Mark == theme.Pending || r.Mark == theme.NotApplicable || r.Mark == theme.Excluded:
		style = t.Muted
	}
	left := strings.Repeat("  ", r.Depth) + mark + " " + style.Render(title)
	line := pane.Row(left, l.rightStyle(t, r).Render(right), w, t.Glyph.Ellipsis)
	if selected && l.Away() {
		return t.Selected.Render(pane.Fit(ansi.Strip(line), w, ""))
	}
	return line
}

func (l *List) rightStyle(t *theme.Theme, r Row) lipgloss.Style {
	switch r.Mark {
	case theme.Failed, theme.Unknown, theme.Gate, theme.Running, theme.Undone:
		return t.Style(r.Mark).UnsetBold()
	default:
		return t.Faint
	}
}
