package wording

import (
	"fmt"
	"strings"
	"time"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Left says how long the rest of a run is likely to take, or "" when too little is
// known.
func Left(r run.Rest) string {
	switch {
	case !r.Telling():
		return ""
	case r.Whole():
		return "~" + Roughly(r.Work) + " left"
	}
	return "at least " + Roughly(r.Work) + " left"
}

// Window says when the change window ends, or has ended; "": there is none.
func Window(r run.Rest) string {
	if r.Until.IsZero() {
		return ""
	}
	at := r.Until.Format("15:04")
	if r.Over() {
		return "window ended " + at + ", " + Roughly(-r.Window) + " ago"
	}
	return "window ends " + at + ", in " + Roughly(r.Window)
}

// ShortWindow is [Window] in fewer words.
func ShortWindow(r run.Rest) string {
	switch {
	case r.Until.IsZero():
		return ""
	case r.Over():
		return "window over for " + Roughly(-r.Window)
	}
	return "window " + Roughly(r.Window)
}

// Late says that what follows won't fit in the change window, in a sentence, or "".
func Late(r run.Rest) string {
	switch {
	case !r.Late():
		return ""
	case r.Over():
		return "The change window ended at " + r.Until.Format("15:04") + ", " + Roughly(-r.Window) + " ago."
	}
	least := "about "
	if !r.Whole() {
		least = "at least "
	}
	return "What follows won't fit in the change window: " + least + Roughly(r.Work) + " left, and it ends at " +
		r.Until.Format("15:04") + ", in " + Roughly(r.Window) + "."
}

// Roughly is a span as people say it, in full minutes from one on.
func Roughly(d time.Duration) string {
	m := int((d + 30*time.Second) / time.Minute)
	switch {
	case d < time.Minute:
		return "1 min"
	case m < 100:
		return fmt.Sprintf("%d min", m)
	}
	return strings.TrimSuffix(fmt.Sprintf("%d h %d min", m/60, m%60), " 0 min")
}

// Going says what is going on at a cell, and how far it is beside what its step
// usually takes.
func Going(s *run.Snapshot, c *run.Cell, a *run.Activity, now time.Time) string {
	doing := Activity(c, a, now)
	if c == nil {
		return doing
	}
	pace := Pace(s, c, now)
	if pace == "" || a.Stopping || a.Away() {
		return doing
	}
	since := ", " + text.Duration(a.Spent(c, now).Truncate(time.Second))
	what, whole := strings.CutSuffix(doing, since)
	if beside, overdue := strings.CutPrefix(pace, since[2:]+", "); whole && overdue {
		return what + since + " (" + beside + ")"
	}
	if whole {
		return what + ", " + pace
	}
	return doing + " (" + pace + ")"
}

// Pace says how a cell's time goes, beside how long its step usually takes: "12s of
// about 42s", "55s, usually 42s", "usually 42s"; "" when that isn't known.
func Pace(s *run.Snapshot, c *run.Cell, now time.Time) string {
	usual := s.UsualOf(c)
	if usual <= 0 {
		return ""
	}
	about := text.Duration(round(usual))
	a := Busy(s, c.Key)
	if a == nil {
		return "usually " + about
	}
	spent := a.Spent(c, now)
	if usual < brief && spent < 2*brief {
		return ""
	}
	if spent > usual {
		return text.Duration(spent.Truncate(time.Second)) + ", usually " + about
	}
	return text.Duration(spent.Truncate(time.Second)) + " of about " + about
}

// brief is so short that nobody wonders how far it is.
const brief = 2 * time.Second

// round leaves two or three digits of a span.
func round(d time.Duration) time.Duration {
	switch {
	case d < time.Second:
		return d.Round(10 * time.Millisecond)
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d < time.Hour:
		return d.Round(time.Second)
	}
	return d.Round(time.Minute)
}
