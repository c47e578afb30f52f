package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/monitor"
)

// roomy is the height from which on the strip of monitors may have two lines.
const roomy = 30

// journaledLate is how much later samples are seen of a run that another process
// drives: it writes them to its journal every ten seconds.
const journaledLate = 15 * time.Second

// stripState is the strip of monitors below the panes, as it was drawn last.
type stripState struct {
	lines []string
	spots []monitor.Spot
}

// drawStrip draws the monitors, in lines that the layout then leaves to them. The chart has
// no need of it.
func (a *app) drawStrip() {
	a.strip = stripState{}
	if a.snap == nil || a.layout.small {
		return
	}
	if _, chart := a.top().(*monitorPage); chart {
		return
	}
	h := 1
	if a.layout.h >= roomy {
		h = 2
	}
	a.strip.lines, a.strip.spots = a.board.Strip(a.theme, a.layout.w, h, a.now)
}

// clickStrip shows the chart of the monitor that was clicked.
func (a *app) clickStrip(x, line int) tea.Cmd {
	for _, s := range a.strip.spots {
		if s.Line == line && x >= s.X && x < s.X+s.W {
			a.showMonitors(s.Watch)
		}
	}
	return nil
}

// monitorPage is the chart of a monitor over the whole body.
type monitorPage struct {
	page
	v monitor.View
}

// showMonitors opens the chart of a monitor; of none in particular, of one that holds
// the run, else of the first that is sampled.
func (a *app) showMonitors(w run.Watch) {
	list := a.board.All()
	if len(list) == 0 {
		a.word, a.bad = "no monitor of this run has begun", false
		return
	}
	if w == (run.Watch{}) {
		if live := a.board.Live(); len(live) > 0 {
			list = live
		}
		w = list[0].Watch
		for _, s := range list {
			if s.Held() {
				w = s.Watch
				break
			}
		}
	}
	d := &monitorPage{}
	d.v.Show(w)
	a.open(d)
}

func (d *monitorPage) scope() keys.Scope   { return keys.InMonitors }
func (d *monitorPage) wheel(a *app, n int) { d.v.Move(&a.board, n/3, a.now) }

func (d *monitorPage) render(a *app, w, h int) string {
	look := monitor.Look{Theme: a.theme, Now: a.now, Cell: a.selected(), End: a.press(keys.InMonitors, keys.End)}
	return d.v.Render(&a.board, look, w, h)
}

func (d *monitorPage) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	b, ok := a.keys.Lookup(keys.InMonitors, k.String())
	if !ok {
		return nil
	}
	const whole = 8 // of eighths
	switch b.ID {
	case keys.Up:
		d.v.Turn(&a.board, -1)
	case keys.Down:
		d.v.Turn(&a.board, 1)
	case keys.NextPane:
		d.v.Next(&a.board, 1)
	case keys.PrevPane:
		d.v.Next(&a.board, -1)
	case keys.Left:
		d.v.Move(&a.board, -1, a.now)
	case keys.Right:
		d.v.Move(&a.board, 1, a.now)
	case keys.PageUp:
		d.v.Move(&a.board, -whole, a.now)
	case keys.PageDown:
		d.v.Move(&a.board, whole, a.now)
	case keys.Top:
		d.v.First(&a.board, a.now)
	case keys.End:
		d.v.Follow()
	case keys.Zoom:
		d.v.Zoom()
	case keys.Enter:
		if w, ok := d.v.Watch(&a.board); ok {
			if c := a.snap.Run.CellOf(a.board.Of(w).Cell); c != nil {
				return a.visit(c.Key)
			}
		}
	case keys.Cancel, keys.Interrupt:
		a.shut()
	default:
		return a.act(b.ID)
	}
	return nil
}
