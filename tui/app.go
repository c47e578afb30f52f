package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/monitor"
	"stepgate/tui/output"
	"stepgate/tui/steplist"
	"stepgate/tui/theme"
)

// frame is how often the clock and the spinner move while something is going
// on. Each move may repaint lines of wide characters as a whole.
const frame = 250 * time.Millisecond

// app is the model of the run screen.
type app struct {
	ctx  context.Context
	ctl  Controller
	src  Source
	o    Options
	now  time.Time
	spin int

	theme   *theme.Theme
	keys    keys.Map
	layout  layout
	focus   paneID
	whole   bool // narrow: the tree has the whole body
	snap    *run.Snapshot
	over    bool // no more changes
	tree    steplist.List
	stepKey run.Key // what is read in the step pane
	out     output.Pane
	outOf   run.Key // whose output is shown instead of the selected cell's; zero: none
	probed  string  // the attempt whose ends were asked for, and at what state

	dialogs []dialog // the last one has the keys
	offered offer    // for what the failure dialog opened by itself
	auto    bool
	sent    bool // an action is on its way
	autoAt  run.Key
	autoSeq uint64
	word    string // the screen's last word to the operator
	bad     bool   // it is about something that didn't work
	ticking bool
	due     time.Time // when it ticks next
	pulse   int       // number of the tick that is waited for
	undone  secondWind
	tmux    bool // the terminal is one of tmux
	calling attention
	left    Left
	turned  time.Time // when a page of a dialog was turned
	wished  uint64    // number of the latest guest's wish that was seen
	hush    pause     // a login that was being answered has gone; zero: none
	board   monitor.Board
	strip   stripState
	headState
	stepState
	aside asideState
}

// offer is something the run waits for: a state of a cell, and what is asked.
type offer struct {
	key  run.Key
	seq  uint64
	wait run.Wait
	reds int // of WaitMonitor: how often the monitors that hold the run were red
}

// here is what the run waits for now.
func (a *app) here() offer {
	return offer{a.snap.Current, a.snap.Seq, a.snap.Wait, a.reds()}
}

func newApp(ctx context.Context, ctl Controller, src Source, o Options) *app {
	o = o.withDefaults()
	a := &app{ctx: ctx, ctl: ctl, src: src, o: o, now: o.Now(), theme: theme.New(o.Theme), keys: o.Keys, auto: o.Auto, tmux: inTmux(o.Env)}
	if o.Watching {
		a.board.Late = journaledLate
	}
	return a
}

// Init asks the terminal for its background.
func (a *app) Init() tea.Cmd {
	if a.o.Theme.NoColor || a.o.Theme.Fixed {
		return nil
	}
	return tea.RequestBackgroundColor
}

// Update routes by message family; dialogs come first.
func (a *app) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	a.now = a.o.Now()
	a.stood()
	var cmd tea.Cmd
	switch m := msg.(type) {
	case message:
		cmd = a.own(m)
	case tea.WindowSizeMsg:
		a.resize(m.Width, m.Height)
	case tea.BackgroundColorMsg, tea.ColorProfileMsg:
		a.repaint(msg)
	case tea.KeyPressMsg:
		cmd = a.key(m)
	case tea.PasteMsg:
		if d := a.top(); d != nil && !a.layout.small && !a.hushed("") {
			d.paste(a, m)
		}
	case tea.MouseClickMsg:
		cmd = a.click(m.Mouse())
	case tea.FocusMsg:
		a.calling.looks = gazeHere
	case tea.BlurMsg:
		a.calling.looks = gazeAway
	case tea.MouseWheelMsg:
		a.wheel(m.Mouse())
		cmd = a.read()
	}
	a.rearrange()
	a.lit()
	return a, tea.Batch(cmd, a.tick(), a.attend())
}

func (a *app) own(m message) tea.Cmd {
	switch m := m.(type) {
	case snapMsg:
		return a.take(m.snap)
	case overMsg:
		a.over = true
	case doneMsg:
		return a.done(m)
	case respondedMsg:
		a.responded(m)
	case loanMsg:
		return a.lend(m)
	case backMsg:
		a.back(m)
	case outputMsg:
		return a.printed(m)
	case scannedMsg:
		return a.scanned(m)
	case outsideMsg:
		return a.returned(m)
	case pagedMsg:
		a.paged(m)
	case editedMsg:
		a.takeEdited(m)
	case eventsMsg:
		return a.readEvents(m)
	case tickMsg:
		a.ticking = a.ticking && m.no != a.pulse
		a.spin++
		if a.printsBeside() {
			return a.read()
		}
	}
	return nil
}

// take makes a newer snapshot the one that is shown.
func (a *app) take(s *run.Snapshot) tea.Cmd {
	if a.snap != nil && a.snap.Wait != s.Wait && !a.bad {
		a.word = ""
	}
	a.snap = s
	a.tree.Set(s)
	a.board.Set(s)
	a.dialogsFollow()
	a.showAside()
	a.wish()
	a.login()
	a.showSelected()
	return tea.Batch(a.retryUndone(), a.goOn(), a.read(), a.followEvents())
}

// goOn takes the next step by itself, once for each state, when the operator
// said so.
func (a *app) goOn() tea.Cmd {
	if !a.auto || a.sent || a.snap == nil || a.snap.Wait != run.WaitGo || !a.snap.Action(run.VerbGo).OK() {
		return nil
	}
	if a.autoAt == a.snap.Current && a.autoSeq == a.snap.Seq {
		return nil
	}
	if a.declined() {
		return nil
	}
	a.autoAt, a.autoSeq = a.snap.Current, a.snap.Seq
	return a.do(a.snap.Current, a.snap.Seq, run.VerbGo, run.Go{})
}

// declined reports whether the next cell was declined or refused: then a person
// decides.
func (a *app) declined() bool {
	c := a.snap.Run.Cell(a.snap.Current)
	return a.snap.Wait == run.WaitGo && c != nil && c.Detail != "" && c.Status == run.Pending
}

// do sends an action to the run.
func (a *app) do(k run.Key, seq uint64, v run.Verb, act run.Action) tea.Cmd {
	a.sent = true
	ctl, ctx := a.ctl, a.ctx
	gate := ""
	if ans, ok := act.(run.Answer); ok {
		gate = ans.Gate
	}
	return func() tea.Msg { return doneMsg{v, gate, ctl.Do(ctx, k, seq, act)} }
}

func (a *app) done(m doneMsg) tea.Cmd {
	a.sent = false
	if m.err == nil {
		a.bad = false
		return a.goOn()
	}
	a.say(m.err)
	if g, ok := a.top().(*gateDialog); ok && g.d.Gate() == m.gate {
		g.d.Refused(a.word)
	}
	return nil
}

// tick keeps the clock moving while something is going on, and not otherwise.
func (a *app) tick() tea.Cmd {
	if a.snap == nil {
		return nil
	}
	pace := frame
	if a.snap.Busy == nil {
		if pace = a.idle(); pace == 0 {
			return nil
		}
	}
	return a.after(pace)
}

func (a *app) resize(w, h int) {
	a.layout = arrange(w, h, a.focus, a.whole, a.quiet(), 0)
	a.rearrange()
	if d := a.top(); d != nil && !a.layout.small {
		d.fit(a)
	}
}

// rearrange fits the panes after the focus, or whether there is output, changed.
func (a *app) rearrange() {
	a.met()
	a.drawStrip()
	a.layout = arrange(a.layout.w, a.layout.h, a.focus, a.whole, a.quiet(), len(a.strip.lines))
}

// quiet reports whether the shown step has printed nothing.
func (a *app) quiet() bool {
	c := a.printing()
	return a.out.Empty() || c != nil && c.Key != a.stepKey && a.outOf == (run.Key{})
}

// selected returns the cell that is read: the one under the cursor, or where
// the run stands.
func (a *app) selected() *run.Cell {
	if a.snap == nil {
		return nil
	}
	if row, ok := a.tree.Selected(); ok && a.tree.Away() {
		return a.snap.Run.Cell(row.Key)
	}
	return a.snap.Run.Cell(a.snap.Current)
}
