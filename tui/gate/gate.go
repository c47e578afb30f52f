package gate

import (
	"fmt"
	"time"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// Grace is how long keys are swallowed after a dialog has opened by itself:
// they were meant for what was there before.
const Grace = 500 * time.Millisecond

// Drawn is how long a page stands at least: one that is turned faster is never
// drawn, as frames are not that many.
const Drawn = 60 * time.Millisecond

// hand is the least time between the last character of a phrase and Enter when
// a person types them. Terminals that don't mark a paste deliver both at once.
const hand = 20 * time.Millisecond

// TooFast is what is said then.
const TooFast = "that came faster than a hand types, as a paste does: press enter once more"

// Burst reports whether Enter came faster behind the last character than a hand
// presses it.
func Burst(last, now time.Time) bool { return now.Sub(last) < hand }

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
	run      *run.Run
	appeared time.Time
	unfolded bool // the prelude is shown
	w, h     int
	lines    []string
	scroll   pane.Scroll
	turned   time.Time // of the last move
	seen     int       // lines of the content that have been on the screen
	all      bool
	typed    string
	typedAt  time.Time // of the last character
	note     string
	sent     bool
}

// New opens the dialog of a cell's gate at a moment.
func New(r *run.Run, c *run.Cell, now time.Time) *Dialog {
	return &Dialog{shown: *c.Gate, cell: c, with: followers(r, c), run: r, appeared: now}
}

// Gate returns the gate's id.
func (d *Dialog) Gate() string { return d.shown.Gate }

// Key returns the cell the gate is before.
func (d *Dialog) Key() run.Key { return d.shown.Cell }

// Appear says that the dialog is on the screen from now on.
func (d *Dialog) Appear(now time.Time) { d.appeared = now }

// Layout fits the dialog into w by h cells and notes what is on the screen.
func (d *Dialog) Layout(t *theme.Theme, w, h int) {
	iw, ih := pane.Inner(w, h)
	if iw != d.w {
		d.w = iw
		d.rebuild(t)
	}
	d.h = max(ih-foot, 0)
	d.look()
}

// rebuild draws the content anew. What was seen in other lines counts only if
// it was all.
func (d *Dialog) rebuild(t *theme.Theme) {
	d.lines = content{Theme: t, d: d, w: d.w}.build()
	d.seen, d.scroll.Top = 0, 0
	d.look()
}

func (d *Dialog) look() {
	d.scroll.By(0, len(d.lines), d.h)
	if d.h < 1 {
		return
	}
	if d.scroll.Top <= d.seen {
		d.seen = max(d.seen, d.scroll.Top+d.h)
	}
	d.all = d.all || d.seen >= len(d.lines)
}

// Scroll moves the content by n lines.
func (d *Dialog) Scroll(n int, now time.Time) {
	if d.early(now) || now.Sub(d.turned) < Drawn {
		return
	}
	d.turned = now
	d.scroll.By(n, len(d.lines), d.h)
	d.look()
}

// Page is the number of lines that a page key moves by.
func (d *Dialog) Page() int { return max(d.h-1, 1) }

// Unfold shows or hides what stands before the command's own text.
func (d *Dialog) Unfold(t *theme.Theme, now time.Time) {
	if !d.early(now) {
		d.unfolded = !d.unfolded
		d.rebuild(t)
	}
}

func (d *Dialog) early(now time.Time) bool { return now.Sub(d.appeared) < Grace }

// Ready reports whether the phrase may be typed: everything has been shown.
func (d *Dialog) Ready() bool { return d.all && !d.sent && d.h > 0 }

// Type takes the text of one key. Until everything has been read, a blank is
// the wish to read on; one more than was needed for that isn't part of the
// phrase.
func (d *Dialog) Type(s string, now time.Time) {
	switch {
	case d.early(now) || d.sent:
	case s == " " && (!d.all || d.typed == ""):
		d.Scroll(d.Page(), now)
	case !d.Ready():
		d.note = "read on to the end first"
	case len(d.typed)+len(s) <= len(d.shown.Phrase)+64:
		d.typed, d.note, d.typedAt = d.typed+s, "", now
	}
}

// Backspace removes the last character.
func (d *Dialog) Backspace(now time.Time) {
	if d.early(now) || d.sent || d.typed == "" {
		return
	}
	d.typed, d.note = wording.Chop(d.typed), ""
}

// Paste refuses a paste.
func (d *Dialog) Paste() { d.note = "the phrase has to be typed; a paste is not taken" }

// Enter answers: the phrase grants, nothing declines, anything else is told.
func (d *Dialog) Enter(now time.Time) Answer {
	switch {
	case d.early(now) || d.sent:
		return None
	case d.typed == "":
		return d.Decline(now)
	case !d.Ready():
		return None
	case Burst(d.typedAt, now):
		d.note = TooFast
		return None
	case d.typed != d.shown.Phrase:
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
func (d *Dialog) Typed() string { return d.typed }

// Refused says why an answer wasn't taken, and lets it be given again.
func (d *Dialog) Refused(why string) { d.sent, d.typed, d.note = false, "", why }

// Render draws the dialog in exactly w by h cells.
func (d *Dialog) Render(t *theme.Theme, w, h int) string {
	d.Layout(t, w, h)
	lines := make([]string, d.h, d.h+foot)
	copy(lines, d.scroll.Window(d.lines, d.h))
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
		hash = t.Faint.Render("what runs: " + wording.Fingerprint(d.shown.Dispatch))
	}
	rule = pane.Row(rule, hash, d.w, t.Glyph.Ellipsis)
	phrase := wording.Line(d.shown.Phrase)
	ask := t.Text.Render("Type ") + t.Caution.Render(phrase) + t.Text.Render(" and press enter. ") + t.Muted.Render("Enter alone is No.")
	if ansi.StringWidth(ask) > d.w {
		ask = t.Text.Render("Type: ") + t.Caution.Render(phrase)
	}
	if !d.all {
		ask = t.Muted.Render("Read to the end (space or pgdn), then type the phrase.")
	}
	in := t.Key.Render("> ") + wording.Line(d.typed)
	if d.Ready() {
		in += t.Selected.Render(" ")
	}
	return []string{rule, ask, in, t.Warning.Render(d.note)}
}
