package gate

import (
	"time"

	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/wording"
)

// hand is the least time between the last character of a phrase and Enter when
// a person types them. Terminals that don't mark a paste deliver both at once.
const hand = 20 * time.Millisecond

// TooFast is what is said then.
const TooFast = "that came faster than a hand types, as a paste does: answer once more"

// Pasted is what is said of a phrase that was pasted.
const Pasted = "the phrase has to be typed; a paste is not taken"

// Burst reports whether Enter came faster behind the last character than a hand
// presses it.
func Burst(last, now time.Time) bool { return now.Sub(last) < hand }

// together is the most time between two characters that came in one piece. A slow
// connection delivers a few that way, a paste all of them.
const together = 5 * time.Millisecond

// typed is what was typed, and how.
type typed struct {
	text string
	n    int       // characters
	fast int       // of them in one piece with the one before
	last time.Time // of the last character
}

func (t *typed) add(s string, now time.Time) {
	if t.text != "" && now.Sub(t.last) < together {
		t.fast++
	}
	t.text, t.last = t.text+s, now
	t.n++
}

func (t *typed) chop() {
	t.text = wording.Chop(t.text)
	if t.n--; t.text == "" {
		*t = typed{}
	}
}

// burst reports whether most of it came in one piece, as a paste does that the
// terminal doesn't mark.
func (t *typed) burst() bool { return t.fast >= 3 && 2*t.fast > t.n }

// single reports whether a key's text is one character as it is seen.
func single(s string) bool {
	c, _ := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	return s != "" && len(c) == len(s)
}
