package theme

import "charm.land/lipgloss/v2"

// Mark is how a status is drawn.
type Mark uint8

const (
	Pending Mark = iota
	Ready        // the next step, waiting for the operator
	Gate         // waits, or will wait, for a typed phrase
	Running
	Done
	Failed
	Unknown
	Skipped
	NotApplicable
	Undone   // rolled back
	Excluded // its instance was taken out of the walk
	markCount
)

// Glyphs are the characters drawn. Each is one cell wide, Ellipsis and the
// spinner frames excepted in the ASCII set.
type Glyphs struct {
	marks    [markCount]string
	Open     string // an unfolded section
	Closed   string // a folded one
	Cursor   string
	Dot      string // between two facts
	Dash     string
	Ellipsis string
	Bullet   string
	Quote    string // left edge of a quotation
	Full     string // progress bar, done part
	Empty    string // the rest
	Journal  string
	Enter    string
	Up, Down string // there is more above, below
	Rule     string // horizontal line
	Side     string // vertical line
	TopLeft, TopRight,
	BottomLeft, BottomRight string
	Spinner []string
	Spark   []string // a value, from the lowest to the highest
	Unseen  string   // a time in which nobody watched
	Tick    string   // a moment on a time axis
}

// Mark returns the glyph of a mark.
func (g Glyphs) Mark(m Mark) string { return g.marks[m] }

var unicode = Glyphs{
	marks: [markCount]string{
		Pending: "○", Ready: "▶", Gate: "◆", Running: "▶", Done: "✓", Failed: "✗", Unknown: "?",
		Skipped: "»", NotApplicable: "–", Undone: "↶", Excluded: "⊘",
	},
	Open: "▾", Closed: "▸", Cursor: "›", Dot: "·", Dash: "–", Ellipsis: "…", Bullet: "•", Quote: "│",
	Full: "━", Empty: "─", Journal: "●", Enter: "↵", Up: "↑", Down: "↓",
	Rule: "─", Side: "│", TopLeft: "╭", TopRight: "╮", BottomLeft: "╰", BottomRight: "╯",
	Spinner: []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"},
	Spark:   []string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}, Unseen: "░", Tick: "┬",
}

var ascii = Glyphs{
	marks: [markCount]string{
		Pending: "o", Ready: ">", Gate: "#", Running: ">", Done: "+", Failed: "x", Unknown: "?",
		Skipped: "s", NotApplicable: "-", Undone: "u", Excluded: "/",
	},
	Open: "v", Closed: ">", Cursor: ">", Dot: "-", Dash: "-", Ellipsis: "...", Bullet: "*", Quote: "|",
	Full: "=", Empty: "-", Journal: "*", Enter: "enter", Up: "^", Down: "v",
	Rule: "-", Side: "|", TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomRight: "+",
	Spinner: []string{"|", "/", "-", "\\"},
	Spark:   []string{"_", ".", "-", "~", "=", "+", "*", "#"}, Unseen: ":", Tick: "+",
}

// Style returns the mark's style.
func (t *Theme) Style(m Mark) lipgloss.Style { return t.marks[m] }

// Draw returns the mark's glyph in its style.
func (t *Theme) Draw(m Mark) string { return t.marks[m].Render(t.Glyph.marks[m]) }
