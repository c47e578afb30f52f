package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// Grace is how long keys are swallowed after a dialog has opened by itself:
// they were meant for what was there before.
const Grace = 500 * time.Millisecond

// Drawn is how long lines stand on the screen at least before they count as seen:
// what goes faster is never drawn, as frames are not that many.
const Drawn = 60 * time.Millisecond

// Stale is the age from which on what was checked is pointed out as old.
const Stale = 5 * time.Minute

// Answer is what a key led to.
type Answer uint8

const (
	None Answer = iota
	Granted
	Declined
)

// rows below the content: a rule, what to type, what was typed, a note.
const foot = 4

// Dialog is one gate on the screen.
type Dialog struct {
	shown    run.GateShown
	cell     *run.Cell
	with     []*run.Cell // whose gates its answer opens too
	snap     *run.Snapshot
	run      *run.Run
	keys     keys.Map
	appeared time.Time
	unfolded bool // the prelude is shown
	w, h     int
	lines    []string
	moving   []moving
	scroll   pane.Scroll
	since    time.Time // when the screen began to show these lines; zero: it doesn't
	seen     int       // lines of the content that have been on the screen, from the first
	all      bool
	typed    typed
	note     string
	sent     bool
}

// moving is a line that changes with the clock. It is nothing that has to be read anew.
type moving struct {
	at   int
	draw func(now time.Time) string
}

// New opens the dialog of the gate that a run stands at. It names the keys of m.
func New(s *run.Snapshot, c *run.Cell, m keys.Map, now time.Time) *Dialog {
	return &Dialog{shown: *c.Gate, cell: c, with: followers(s.Run, c), snap: s, run: s.Run, keys: m, appeared: now}
}

// name is a key as the operator reads it.
func (d *Dialog) name(id keys.ID) string { return d.keys.Name(keys.InGate, id, "enter") }

// upper begins a sentence.
func upper(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[n:]
}

// Gate returns the gate's id.
func (d *Dialog) Gate() string { return d.shown.Gate }

// Key returns the cell the gate is before.
func (d *Dialog) Key() run.Key { return d.shown.Cell }

// Appear says that the dialog is on the screen from now on.
func (d *Dialog) Appear(now time.Time) { d.appeared, d.since = now, now }

// Visible says whether the dialog is on the screen, uncovered. When it comes to light,
// it appears.
func (d *Dialog) Visible(is bool, now time.Time) {
	switch {
	case !is:
		d.since = time.Time{}
	case d.since.IsZero():
		d.Appear(now)
	}
}

// Layout fits the dialog into w by h cells. What it shows there begins to be seen.
func (d *Dialog) Layout(t *theme.Theme, w, h int, now time.Time) {
	d.Stood(now)
	d.arrange(t, w, h)
	d.since = now
}

func (d *Dialog) arrange(t *theme.Theme, w, h int) {
	iw, ih := pane.Inner(w, h)
	if iw != d.w {
		d.w = iw
		d.rebuild(t)
	}
	d.h = max(ih-foot, 0)
	d.scroll.By(0, len(d.lines), d.h)
}

// rebuild draws the content anew. What was seen in other lines counts only if
// it was all.
func (d *Dialog) rebuild(t *theme.Theme) {
	d.lines, d.moving = build(t, d, d.w)
	d.seen, d.scroll.Top = 0, 0
}

// Paint draws the same lines with another theme.
func (d *Dialog) Paint(t *theme.Theme) {
	if d.w > 0 {
		d.lines, d.moving = build(t, d, d.w)
	}
}

// Follow takes what a newer view of the run shows. When that isn't what was there to
// read, it has to be read again.
func (d *Dialog) Follow(t *theme.Theme, s *run.Snapshot, c *run.Cell, now time.Time) {
	d.snap = s
	if s.Run == d.run {
		return
	}
	d.run, d.cell, d.with = s.Run, c, followers(s.Run, c)
	lines := d.lines
	if d.w > 0 {
		lines, d.moving = build(t, d, d.w)
		if slices.Equal(lines, d.lines) {
			return
		}
	}
	// Without room for it, what is shown next may be anything.
	d.lines, d.seen, d.scroll.Top, d.all = lines, 0, 0, false
	d.typed, d.appeared = typed{}, now
	if !d.since.IsZero() {
		d.since = now
	}
	if !d.sent {
		d.note = "what is shown here has changed: read it again"
	}
}

// Stood notes the lines that have been on the screen until now, if that was long
// enough for them to be drawn.
func (d *Dialog) Stood(now time.Time) {
	if d.since.IsZero() || d.h < 1 || now.Sub(d.since) < Drawn {
		return
	}
	d.seen = d.reach()
	d.all = d.all || d.seen >= len(d.lines)
}

// reach is how much has been seen once the lines on the screen are.
func (d *Dialog) reach() int {
	if d.scroll.Top > d.seen || d.h < 1 {
		return d.seen
	}
	return max(d.seen, d.scroll.Top+d.h)
}

// Scroll moves the content by n lines.
func (d *Dialog) Scroll(n int, now time.Time) {
	if d.early(now) || now.Sub(d.since) < Drawn {
		return
	}
	d.Stood(now)
	d.scroll.By(n, len(d.lines), d.h)
	d.since = now
}

// checked is when the oldest of the checks that are shown were taken; zero: there are
// none.
func (d *Dialog) checked() (first time.Time) {
	for _, c := range append([]*run.Cell{d.cell}, d.with...) {
		if at := c.CheckedAt[run.Before]; c.Checks[run.Before] != nil && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// Ages is how long it takes until the age of the checks, or what is left of the change
// window, reads otherwise, in minutes; 0: it won't.
func (d *Dialog) Ages(now time.Time) time.Duration {
	first := d.checked()
	switch age := now.Sub(first); {
	case !d.snap.Until.IsZero():
		return time.Minute
	case first.IsZero() || age >= time.Hour:
		return 0
	default:
		return time.Minute - age%time.Minute
	}
}

// Page is the number of lines that a page key moves by.
func (d *Dialog) Page() int { return max(d.h-1, 1) }

// Unfold shows or hides what stands before the command's own text.
func (d *Dialog) Unfold(t *theme.Theme, now time.Time) {
	if d.early(now) {
		return
	}
	d.Stood(now)
	d.unfolded = !d.unfolded
	d.rebuild(t)
	d.since = now
}

func (d *Dialog) early(now time.Time) bool { return d.since.IsZero() || now.Sub(d.appeared) < Grace }

// Ready reports whether there is nothing left to read before the phrase.
func (d *Dialog) Ready() bool {
	return (d.all || d.reach() >= len(d.lines)) && !d.sent && d.h > 0
}

// Type takes the text of one key. Until everything has been read, a blank is
// the wish to read on; one more than was needed for that isn't part of the
// phrase.
func (d *Dialog) Type(s string, now time.Time) {
	if d.early(now) || d.sent {
		return
	}
	d.Stood(now)
	switch {
	case s == " " && (!d.all || d.typed.text == ""):
		d.Scroll(d.Page(), now)
	case !d.Ready():
		d.note = "read on to the end first"
	case !d.all: // its last lines have not been drawn yet
	case !single(s):
		d.Paste()
	case len(d.typed.text)+len(s) <= len(d.shown.Phrase)+64:
		d.typed.add(s, now)
		d.note = ""
	}
}

// Backspace removes the last character.
func (d *Dialog) Backspace(now time.Time) {
	if d.early(now) || d.sent || d.typed.text == "" {
		return
	}
	d.typed.chop()
	d.note = ""
}

// Paste refuses a paste.
func (d *Dialog) Paste() { d.note = Pasted }

// ByHand says that no click answers a gate.
func (d *Dialog) ByHand() { d.note = "a gate is answered at the keyboard" }

// Enter answers: the phrase grants, nothing declines, anything else is told.
func (d *Dialog) Enter(now time.Time) Answer {
	if d.early(now) || d.sent {
		return None
	}
	d.Stood(now)
	switch {
	case d.typed.text == "":
		return d.Decline(now)
	case !d.all:
		return None
	case d.typed.burst():
		d.typed = typed{}
		d.Paste()
		return None
	case Burst(d.typed.last, now):
		d.note = TooFast
		return None
	case d.typed.text != d.shown.Phrase:
		d.note = "that is not the phrase"
		return None
	}
	d.sent, d.note = true, "checking once more before it runs"
	return Granted
}

// Decline says no.
func (d *Dialog) Decline(now time.Time) Answer {
	if d.early(now) || d.sent {
		return None
	}
	d.sent, d.note = true, "declining"
	return Declined
}

// Typed is what was typed.
func (d *Dialog) Typed() string { return d.typed.text }

// Refused says why an answer wasn't taken, and lets it be given again.
func (d *Dialog) Refused(why string) { d.sent, d.typed, d.note = false, typed{}, why }

// Render draws the dialog in exactly w by h cells.
func (d *Dialog) Render(t *theme.Theme, w, h int, now time.Time) string {
	d.arrange(t, w, h)
	lines := make([]string, d.h, d.h+foot)
	copy(lines, d.scroll.Window(d.lines, d.h))
	for _, m := range d.moving {
		if at := m.at - d.scroll.Top; at >= 0 && at < d.h {
			lines[at] = pane.Cut(m.draw(now), d.w, t.Glyph.Ellipsis)
		}
	}
	lines = append(lines, d.foot(t)...)
	st := d.cell.Plan.Step
	right := ""
	if len(d.with) > 0 {
		right = fmt.Sprintf("%d places", len(d.with)+1)
	} else {
		right = wording.Instance(d.cell)
	}
	box := pane.Box{Title: t.Glyph.Mark(theme.Gate) + " Gate: " + wording.Name(d.run, st), Right: right, Focus: true}
	return box.Render(t, lines, w, h)
}

func (d *Dialog) foot(t *theme.Theme) []string {
	rule, hash := "", ""
	if below := len(d.lines) - d.scroll.Top - d.h; below > 0 {
		rule = t.Gate.Render(fmt.Sprintf("%s more below: %d", t.Glyph.Down, below))
	}
	if d.shown.Dispatch != nil {
		print := strings.ReplaceAll(wording.Fingerprint(d.shown.Dispatch), "…", t.Glyph.Ellipsis)
		hash = t.Faint.Render("what runs: " + print)
	}
	rule = pane.Row(rule, hash, d.w, t.Glyph.Ellipsis)
	phrase := wording.Line(d.shown.Phrase)
	ask := t.Text.Render("Type ") + t.Caution.Render(phrase) + t.Text.Render(" and press "+d.name(keys.Enter)+". ") + t.Muted.Render(upper(d.name(keys.Enter))+" alone is No.")
	if ansi.StringWidth(ask) > d.w {
		ask = t.Text.Render("Type: ") + t.Caution.Render(phrase)
	}
	if d.h > 0 && !d.sent && !d.Ready() {
		ask = t.Muted.Render("Read to the end (space or " + d.name(keys.PageDown) + "), then type the phrase.")
	}
	in := t.Key.Render("> ") + wording.Line(d.typed.text)
	if d.Ready() {
		in += t.Selected.Render(" ")
	}
	return []string{rule, ask, in, t.Warning.Render(d.note)}
}
