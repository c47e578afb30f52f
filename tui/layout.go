package tui

// The smallest screen that shows a gate and what it is about.
const (
	minWidth  = 60
	minHeight = 15
	wideFrom  = 100 // two columns from here on
)

// rect is a part of the screen, in cells.
type rect struct{ x, y, w, h int }

func (r rect) holds(x, y int) bool { return x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h }

// layout is where everything is. It depends on the screen's size, on the pane
// that has the keys, on whether anything was printed, on the strip's height, and on nothing else.
type layout struct {
	w, h            int
	small, wide     bool
	body            rect // between the two lines above and the two below, and the strip
	strip           rect // of monitors, below the body
	tree, step, out rect // h 0: not shown
}

// pane is a part of the run screen that can have the keys.
type paneID uint8

const (
	paneTree paneID = iota
	paneStep
	paneOut
)

// quiet says that there is no output, whose pane then gives most of its room to
// the step where there isn't much. strip is how many lines the monitors have.
func arrange(w, h int, focus paneID, whole, quiet bool, strip int) layout {
	l := layout{w: w, h: h, small: w < minWidth || h < minHeight, wide: w >= wideFrom}
	if l.small {
		return l
	}
	l.body = rect{0, 2, w, h - 4 - strip}
	l.strip = rect{0, l.body.y + l.body.h, w, strip}
	b := l.body
	if l.wide {
		tw := min(max(w*36/100, 36), 60)
		l.tree = rect{0, b.y, tw, b.h}
		l.split(rect{tw, b.y, w - tw, b.h}, focus, quiet)
		return l
	}
	if whole {
		l.tree = b
		return l
	}
	th := 5
	switch {
	case b.h >= 26:
		th = 9
	case b.h < 14:
		th = 4
	}
	l.tree = rect{0, b.y, w, th}
	l.split(rect{0, b.y + th, w, b.h - th}, focus, quiet)
	return l
}

// split divides a column between the step and its output.
func (l *layout) split(r rect, focus paneID, quiet bool) {
	share := 58
	if focus == paneOut {
		share = 30
	}
	sh := r.h * share / 100
	switch {
	case r.h < 9 && focus == paneOut:
		sh = 0
	case r.h < 9:
		sh = r.h
	case quiet && r.h < 24:
		sh = r.h - 3
	default:
		sh = min(max(sh, 4), r.h-4)
	}
	l.step = rect{r.x, r.y, r.w, sh}
	l.out = rect{r.x, r.y + sh, r.w, r.h - sh}
}
