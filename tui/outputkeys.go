package tui

import (
	"fmt"
	"io"
	"strings"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/keys"
	"stepgate/tui/output"
	"stepgate/tui/pane"
	"stepgate/tui/prompt"
	"stepgate/tui/wording"
)

// sideways is how many columns a key moves lines that are cut.
const sideways = 16

// outputFoot are the keys at the bottom of the run screen while the output has them.
var outputFoot = []keys.ID{
	keys.Go, keys.Stop, keys.Search, keys.Zoom, keys.Wrap, keys.Streams, keys.Copy, keys.Pager, keys.NextPane,
}

// outputKey does what a key means only while the output has the keys.
func (a *app) outputKey(k string) (tea.Cmd, bool) {
	if a.focus != paneOut {
		return nil, false
	}
	b, ok := a.keys.Lookup(keys.InOutput, k)
	if !ok {
		b, _ = a.keys.Lookup(keys.InRun, k)
	}
	if b.ID == keys.Return && a.out.Pattern() == nil || !a.inOutput(b.ID) {
		return nil, false
	}
	return a.read(), true
}

// inOutput moves in the output, or in what was found.
func (a *app) inOutput(id keys.ID) bool {
	if !a.sent {
		a.word, a.bad = "", false
	}
	switch id {
	case keys.Top:
		a.out.Home()
	case keys.End:
		a.out.End()
	case keys.Next:
		a.nextMatch(1)
	case keys.Prev:
		a.nextMatch(-1)
	case keys.Left:
		a.sideways(-sideways)
	case keys.Right:
		a.sideways(sideways)
	case keys.Return:
		a.endSearch()
	default:
		return false
	}
	return true
}

func (a *app) nextMatch(n int) {
	if a.out.Pattern() == nil {
		a.word, a.bad = "nothing is searched for; "+a.press(keys.InRun, keys.Search)+" searches the output", true
		return
	}
	a.out.Next(n)
}

func (a *app) sideways(n int) {
	if a.out.Wrapped() {
		a.word, a.bad = "long lines are wrapped; "+a.press(keys.InRun, keys.Wrap)+" cuts them", false
		return
	}
	a.out.Sideways(n)
}

// endSearch stops a search that is under way, else ends it.
func (a *app) endSearch() {
	if a.out.Searching() {
		a.out.StopSearch()
		return
	}
	a.out.Forget()
}

// lookOutput handles the keys of the output that mean the same everywhere.
func (a *app) lookOutput(id keys.ID) (tea.Cmd, bool) {
	switch id {
	case keys.Search:
		a.search()
	case keys.Streams:
		a.out.Toggle()
	case keys.Wrap:
		a.out.Wrap()
	case keys.NextPlace:
		a.nextPlace(1)
	case keys.PrevPlace:
		a.nextPlace(-1)
	case keys.Zoom:
		a.open(&outputPage{})
	case keys.Pager:
		return a.pageOutput(), true
	case keys.Copy:
		return a.copy(), true
	default:
		return nil, false
	}
	return nil, true
}

// nextPlace shows the output of the same step at its next place: another host, or
// another instance of its walk.
func (a *app) nextPlace(n int) {
	c := a.printing()
	if c == nil {
		return
	}
	var places []*run.Cell
	at := 0
	for _, o := range a.snap.Run.Cells {
		if o.Key.StepID() != c.Key.StepID() {
			continue
		}
		if o.Key == c.Key {
			at = len(places)
		}
		if o.Key == c.Key || len(o.Attempts) > 0 || len(o.Checks) > 0 || wording.Busy(a.snap, o.Key) != nil {
			places = append(places, o)
		}
	}
	if len(places) < 2 {
		a.word, a.bad = "the step has printed nothing at another place", false
		return
	}
	a.outOf = places[(at+n+len(places))%len(places)].Key
	if a.outOf == a.stepKey {
		a.outOf = run.Key{}
	}
	a.showSelected()
}

// pageOutput shows all of the output in the operator's pager.
func (a *app) pageOutput() tea.Cmd {
	if a.out.Empty() {
		a.word, a.bad = "nothing was printed", false
		return nil
	}
	name := "output"
	if c := a.printing(); c != nil {
		name = wording.Among(a.snap.Run, c)
	}
	src, ctx, whole := a.src, a.ctx, a.out.Whole()
	return a.inPager(name, func(w io.Writer) error { return whole.Write(ctx, src.Output, w) })
}

// copy gives the terminal's clipboard what is visible of the output, where that has
// the keys, else the step's command.
func (a *app) copy() tea.Cmd {
	_, page := a.top().(*outputPage)
	what, s := "of the output", ""
	if page || a.focus == paneOut {
		s = a.out.Copy()
	} else {
		what, s = "of the step's command", a.command()
	}
	if strings.TrimSpace(s) == "" {
		a.word, a.bad = "there is nothing to copy: "+strings.TrimPrefix(what, "of "), false
		return nil
	}
	lines := strings.Count(strings.TrimSuffix(s, "\n"), "\n") + 1
	count := fmt.Sprintf("%d lines", lines)
	if lines == 1 {
		count = "1 line"
	}
	a.word, a.bad = fmt.Sprintf("copied %s %s, %s, to the terminal's clipboard", count, what, text.Bytes(int64(len(s)))), false
	return tea.SetClipboard(s)
}

// command is the text of the command of the step that is read: as it ran last, else
// as it would run.
func (a *app) command() string {
	c := a.selected()
	if c == nil {
		return ""
	}
	if l := c.Latest(); l != nil {
		return l.Intent.Dispatch.Shown()
	}
	d, err := a.snap.Run.Dispatch(c, run.RoleCommand)
	if err != nil {
		return ""
	}
	return d.Shown()
}

// searchDialog is the line in which what is searched for is typed. The output draws
// it.
type searchDialog struct {
	box
	p    *prompt.Prompt
	note string
}

// search opens it, in the output that has the keys.
func (a *app) search() {
	if _, page := a.top().(*outputPage); !page {
		a.focus = paneOut
	}
	a.rearrange()
	value := ""
	if p := a.out.Pattern(); p != nil {
		value = p.String()
	}
	a.open(&searchDialog{p: a.prompt(prompt.Config{Value: value})})
}

func (d *searchDialog) scope() keys.Scope              { return keys.InText }
func (d *searchDialog) paste(_ *app, m tea.PasteMsg)   { d.p.Paste(m) }
func (d *searchDialog) wheel(a *app, n int)            { a.out.Scroll(n) }
func (d *searchDialog) render(_ *app, _, _ int) string { return "" }

func (d *searchDialog) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	b, _ := a.keys.Lookup(keys.InText, k.String())
	switch b.ID {
	case keys.Cancel, keys.Interrupt:
		a.shut()
		return nil
	case keys.Enter:
		p, err := output.NewPattern(d.p.Value())
		if err != nil {
			d.note = wording.Line(err.Error())
			return nil
		}
		a.shut()
		a.out.Search(p)
		return a.read()
	default:
		d.note = ""
		d.p.Key(k)
	}
	return nil
}

// outputPage is the output over the whole screen.
type outputPage struct{ page }

func (d *outputPage) scope() keys.Scope   { return keys.InPage }
func (d *outputPage) wheel(a *app, n int) { a.out.Scroll(n) }

func (d *outputPage) render(a *app, w, h int) string { return a.outBox(w, h, true, keys.InPage) }

func (d *outputPage) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	b, _ := a.keys.Lookup(keys.InPage, k.String())
	_, h := pane.Inner(a.layout.body.w, a.layout.body.h)
	switch b.ID {
	case keys.Up:
		a.out.Scroll(-1)
	case keys.Down:
		a.out.Scroll(1)
	case keys.PageUp:
		a.out.Scroll(-max(h-1, 1))
	case keys.PageDown:
		a.out.Scroll(max(h-1, 1))
	case keys.Help, keys.Palette:
		return a.act(b.ID)
	case keys.Interrupt:
		a.shut()
	case keys.Cancel:
		if a.out.Pattern() != nil {
			a.endSearch()
		} else {
			a.shut()
		}
	default:
		if a.inOutput(b.ID) {
			break
		}
		cmd, _ := a.lookOutput(b.ID)
		return tea.Batch(cmd, a.read())
	}
	return a.read()
}
