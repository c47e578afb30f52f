package steplist

import (
	"stepgate/runbook/run"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// What has succeeded may still go on beside the run: a background command's process, and
// monitors, which may turn red.

// watched finds out which steps have monitors that are or were red.
func (l *List) watched(r *run.Run) {
	clear(l.reds)
	for _, m := range r.Monitors() {
		if !m.Held() && !m.Red() {
			continue
		}
		if l.reds == nil {
			l.reds = map[run.Key]string{}
		}
		k := run.Key{Step: m.Cell.Step.ID, Target: m.Cell.Target}
		switch {
		case m.Red():
			l.reds[k] = "red"
		case l.reds[k] == "":
			l.reds[k] = "was red"
		}
	}
}

// besideMark is that of a cell that has succeeded.
func (l *List) besideMark(c *run.Cell) theme.Mark {
	switch {
	case l.reds[c.Key] == "red":
		return theme.Failed
	case l.reds[c.Key] != "":
		return theme.Gate
	}
	if k := wording.Kept(l.snap, c.Key); k != nil {
		return wording.KeptMark(k.State)
	}
	return wording.Mark(c.Status)
}

// besideWord is how what goes on beside the run stands, in a word; "": nothing does.
func (l *List) besideWord(c *run.Cell) string {
	if c.Status != run.Succeeded {
		return ""
	}
	if k := wording.Kept(l.snap, c.Key); k != nil {
		return wording.Line(k.State)
	}
	return l.reds[c.Key]
}
