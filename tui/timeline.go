package tui

import (
	"slices"
	"sort"
	"strings"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/wording"
)

// eventPage is how many events are read at a time.
const eventPage = 2000

// timelinePage shows what has happened, the newest at the bottom. It reads the
// journal from its end backwards, as far as is looked at.
type timelinePage struct {
	page
	entries  []report.Entry // as far as they were read, without gaps
	shown    []uint64       // numbers of those that are picked
	kind     int            // index in kinds
	filter   string
	typing   bool   // the filter
	at       uint64 // number under the cursor
	follow   bool   // the cursor is on the newest
	start    bool   // the cursor is on its way to the first
	top      int    // index in shown of the first in sight
	loading  bool
	complete bool // entries reach back to the first event
	failed   string
	rows     []uint64 // what is drawn in each line; 0: no event
	room     int      // lines for events
}

// eventsMsg holds events that were read for the timeline.
type eventsMsg struct {
	page    *timelinePage
	after   uint64 // they follow this one
	entries []report.Entry
	err     error
}

func (eventsMsg) message() {}

// kinds are what the timeline can be cut down to.
var kinds = slices.DeleteFunc(report.Kinds(), func(k report.Kind) bool { return k.Name == "trouble" })

// showTimeline opens the timeline at its end.
func (a *app) showTimeline() tea.Cmd {
	d := &timelinePage{follow: true}
	a.open(d)
	return d.load(a)
}

// followEvents reads on in a timeline that is open, when there is more.
func (a *app) followEvents() tea.Cmd {
	for _, d := range a.dialogs {
		if t, ok := d.(*timelinePage); ok {
			return t.load(a)
		}
	}
	return nil
}

// first and last are the numbers of the events that were read; 0: none was.
func (d *timelinePage) first() uint64 {
	if len(d.entries) == 0 {
		return 0
	}
	return d.entries[0].Seq
}

func (d *timelinePage) last() uint64 {
	if len(d.entries) == 0 {
		return 0
	}
	return d.entries[len(d.entries)-1].Seq
}

// load reads what is missing: what is new first, then what lies before the part
// that was read, when too little of it is picked to fill the screen.
func (d *timelinePage) load(a *app) tea.Cmd {
	seq := a.snap.Run.Seq
	switch {
	case d.loading:
		return nil
	case len(d.entries) == 0 && seq > 0:
		return d.read(a, seq-min(seq, eventPage), eventPage)
	case seq > d.last():
		return d.read(a, d.last(), eventPage)
	case !d.complete && (d.start || d.index() < max(d.room, 10)):
		after := d.first() - 1 - min(d.first()-1, eventPage)
		return d.read(a, after, int(d.first()-1-after))
	}
	return nil
}

func (d *timelinePage) read(a *app, after uint64, most int) tea.Cmd {
	d.loading = true
	src, ctx, r := a.src, a.ctx, a.snap.Run
	return func() tea.Msg {
		records, err := src.Events(ctx, after, most)
		t := report.NewTeller(r)
		m := eventsMsg{page: d, after: after, err: err, entries: make([]report.Entry, len(records))}
		for i, rec := range records {
			m.entries[i] = t.Tell(rec)
		}
		return m
	}
}

// readEvents takes what was read. A part that doesn't join what is there is left
// out: the page has been opened anew.
func (a *app) readEvents(m eventsMsg) tea.Cmd {
	d := m.page
	d.loading = false
	if m.err != nil {
		d.failed = wording.Line(m.err.Error())
		return nil
	}
	d.failed = ""
	switch n := len(m.entries); {
	case n == 0:
		return nil
	case len(d.entries) == 0 || m.after == d.last():
		d.entries = append(d.entries, m.entries...)
		d.shown = append(d.shown, d.pick(m.entries)...)
	case m.entries[n-1].Seq == d.first()-1:
		picked := d.pick(m.entries)
		d.entries = append(m.entries, d.entries...)
		d.shown = append(picked, d.shown...)
		d.top += len(picked)
	default:
		return nil
	}
	d.complete = d.first() == 1
	d.settle()
	d.start = d.start && !d.complete
	if !slices.Contains(a.dialogs, dialog(d)) {
		return nil
	}
	return d.load(a)
}

func (d *timelinePage) choice() report.Choice {
	return kinds[d.kind].Choice(strings.Fields(d.filter))
}

// pick returns the numbers of the entries that are to be shown.
func (d *timelinePage) pick(entries []report.Entry) []uint64 {
	c := d.choice()
	var out []uint64
	for i := range entries {
		if c.Takes(&entries[i]) {
			out = append(out, entries[i].Seq)
		}
	}
	return out
}

// refilter shows what is picked by another choice.
func (d *timelinePage) refilter(a *app) tea.Cmd {
	d.shown = d.pick(d.entries)
	d.top = 0
	d.settle()
	return d.load(a)
}

// entry is an event that was read.
func (d *timelinePage) entry(seq uint64) *report.Entry { return &d.entries[seq-d.first()] }

// index is where the cursor is in shown: on its event, or the last one before it.
func (d *timelinePage) index() int {
	i := sort.Search(len(d.shown), func(i int) bool { return d.shown[i] > d.at })
	return max(i-1, 0)
}

// settle puts the cursor on an event that is shown.
func (d *timelinePage) settle() {
	switch {
	case len(d.shown) == 0:
	case d.follow:
		d.at = d.shown[len(d.shown)-1]
	case d.start:
		d.at = d.shown[0]
	default:
		d.at = d.shown[d.index()]
	}
}

func (d *timelinePage) move(n int) {
	if len(d.shown) == 0 {
		return
	}
	i := max(min(d.index()+n, len(d.shown)-1), 0)
	d.start = false
	d.at, d.follow = d.shown[i], i == len(d.shown)-1
}

func (d *timelinePage) scope() keys.Scope {
	if d.typing {
		return keys.InText
	}
	return keys.InTimeline
}

func (d *timelinePage) wheel(_ *app, n int) { d.move(n) }

func (d *timelinePage) click(_ *app, _, y int) tea.Cmd {
	if y--; y >= 0 && y < len(d.rows) && d.rows[y] != 0 {
		d.at = d.rows[y]
		d.follow = d.index() == len(d.shown)-1
	}
	return nil
}

func (d *timelinePage) paste(_ *app, m tea.PasteMsg) {
	if d.typing {
		d.filter += wording.Line(m.Content)
		d.shown = d.pick(d.entries)
		d.settle()
	}
}

func (d *timelinePage) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	if d.typing {
		return d.typed(a, k)
	}
	b, _ := a.keys.Lookup(keys.InTimeline, k.String())
	switch b.ID {
	case keys.Up:
		d.move(-1)
	case keys.Down:
		d.move(1)
	case keys.PageUp:
		d.move(-max(d.room-1, 1))
	case keys.PageDown:
		d.move(max(d.room-1, 1))
	case keys.Top:
		d.move(-len(d.shown))
		d.start = !d.complete
	case keys.End:
		d.move(len(d.shown))
	case keys.Toggle:
		d.kind = (d.kind + 1) % len(kinds)
		return d.refilter(a)
	case keys.Filter:
		d.typing = true
	case keys.Copy:
		return d.copy(a)
	case keys.Enter:
		return d.open(a)
	case keys.Cancel:
		if d.filter != "" {
			d.filter = ""
			return d.refilter(a)
		}
		a.shut()
	case keys.Interrupt:
		a.shut()
	default:
		if b.ID != 0 {
			return a.act(b.ID)
		}
	}
	return d.load(a) // what lies before, once its end is near
}

// typed takes a key of the filter, which is applied as it is typed.
func (d *timelinePage) typed(a *app, k tea.KeyPressMsg) tea.Cmd {
	b, _ := a.keys.Lookup(keys.InText, k.String())
	switch {
	case b.ID == keys.Enter:
		d.typing = false
		return nil
	case b.ID == keys.Cancel || b.ID == keys.Interrupt:
		d.typing, d.filter = false, ""
	case k.String() == "backspace":
		d.filter = wording.Chop(d.filter)
	case k.Text != "" && len(d.filter) < 200:
		d.filter += wording.Line(k.Text)
	default:
		return nil
	}
	return d.refilter(a)
}

// copy gives the line under the cursor to the terminal's clipboard.
func (d *timelinePage) copy(a *app) tea.Cmd {
	if len(d.shown) == 0 {
		return nil
	}
	a.word, a.bad = "the line was copied", false
	return tea.SetClipboard(d.entry(d.at).Line(a.now.Location()))
}

// open leads to what the event under the cursor is about: of a walk, or of an
// instance, to its first cell.
func (d *timelinePage) open(a *app) tea.Cmd {
	if len(d.shown) == 0 {
		return nil
	}
	k := d.entry(d.at).Key
	r := a.snap.Run
	if k.Step != "" && r.Cell(k) == nil {
		i := slices.IndexFunc(r.Cells, func(c *run.Cell) bool {
			rest, below := strings.CutPrefix(c.Key.Step, k.Step)
			return below && (rest == "" || rest[0] == '/' || rest[0] == '[')
		})
		if i >= 0 {
			k = r.Cells[i].Key
		}
	}
	if r.Cell(k) == nil {
		a.word, a.bad = "that is about the run as a whole, not about a step", false
		return nil
	}
	return a.visit(k)
}

// window is the part of shown that fits into h lines with the cursor in sight. Each
// day has a line of its own, and so has that of the first line; day says whether
// one begins at an index.
func (d *timelinePage) window(h int, day func(i int) bool) (from, to int) {
	height := func(from, to int) int { // of the lines from the one to the other
		n := to - from + 2
		for i := from + 1; i <= to; i++ {
			if day(i) {
				n++
			}
		}
		return n
	}
	at, end := d.index(), len(d.shown)-1
	d.top = max(min(d.top, at), at-h+1, 0)
	for d.top < at && height(d.top, at) > h {
		d.top++
	}
	for d.top > 0 && end-d.top < h && height(d.top-1, end) <= h {
		d.top-- // the end has no empty lines below it
	}
	to = d.top + 1
	for to <= end && height(d.top, to) <= h {
		to++
	}
	return d.top, min(to, len(d.shown))
}
