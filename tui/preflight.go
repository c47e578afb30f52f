package tui

import (
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/wording"
)

// Preflighter is what a user interface may ask of a preflight, and what it sees of it.
// What takes time is done beside: its methods return at once.
type Preflighter interface {
	// Snapshot returns the latest view.
	Snapshot() *run.Preflight
	// Changes gets a value when there is a newer view. Values are coalesced. One reader.
	Changes() <-chan struct{}
	// Look looks at everything; once it has, at what was not as it should be.
	Look()
	// Foretell takes the runbook's first checks in advance.
	Foretell()
	// Respond answers the question of a login that is shown.
	Respond(a run.Respond) error
}

// Preflight shows what is found before a run begins, and looks at it first. It reports
// whether the operator begins the run, which nothing may stand in the way of; false:
// the operator leaves. It fails with context.Canceled on Ctrl-C, and when ctx ends.
func Preflight(ctx context.Context, port Preflighter, o Options) (begin bool, err error) {
	m := newPreflight(port, o)
	p := tea.NewProgram(m, programOptions(m.o)...)
	// Not tea.WithContext: a program that is killed leaves its reader at the
	// terminal.
	ctx, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(ctx, p.Quit)()
	port.Look() // before anything is shown: until then nothing stands in the way
	pumped := make(chan struct{})
	go func() {
		defer close(pumped)
		for ctx.Err() == nil {
			p.Send(preflightMsg{port.Snapshot()})
			select {
			case <-ctx.Done():
			case <-port.Changes():
			}
			select {
			case <-ctx.Done():
			case <-time.After(pace):
			}
		}
	}()
	_, err = p.Run()
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	cancel()
	<-pumped
	if err == nil {
		err = m.err
	}
	if err != nil {
		return false, fmt.Errorf("look at what the run needs: %w", err)
	}
	return m.begin, nil
}

// preflight is the model of the preflight screen.
type preflight struct {
	front
	port    Preflighter
	s       *run.Preflight
	now     time.Time
	spin    int
	ticking bool
	login   *answering
	hush    pause // a login that was being answered has gone; zero: none
	names   int   // cells of the longest host's name
	pane    int
	scroll  [preflightPanes]pane.Scroll
	lengths [preflightPanes]int // lines of what each pane shows
	rooms   [preflightPanes]int
	begin   bool
	err     error
}

// The panes of the preflight screen.
const (
	ofHosts = iota
	ofFindings
	preflightPanes
)

type (
	// preflightMsg is a newer view.
	preflightMsg struct{ s *run.Preflight }
	// preflightTick moves the spinner.
	preflightTick struct{}
)

func newPreflight(port Preflighter, o Options) *preflight {
	m := &preflight{front: newFront(o, keys.InPreflight), port: port, pane: ofFindings}
	m.now = m.o.Now()
	return m
}

// Update takes a message.
func (m *preflight) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.now = m.o.Now()
	m.surroundings(msg)
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case preflightMsg:
		m.take(msg.s)
	case preflightTick:
		m.ticking = false
		m.spin++
	case respondedMsg:
		if msg.err != nil && m.login != nil && m.login.asks.ID == msg.prompt {
			m.login.refused(wording.Line(msg.err.Error()))
		}
	case tea.PasteMsg:
		if m.login != nil {
			m.login.paste(msg, m.now)
		}
	case tea.MouseWheelMsg:
		m.wheel(msg.Mouse())
	case tea.KeyPressMsg:
		cmd = m.key(msg)
	}
	return m, tea.Batch(cmd, m.tick())
}

// take makes a newer view the one that is shown.
func (m *preflight) take(s *run.Preflight) {
	m.s, m.names = s, 4
	for _, h := range s.Hosts {
		m.names = max(m.names, ansi.StringWidth(wording.Line(h.Name)))
	}
	asks := s.Prompt
	if m.login != nil && (asks == nil || asks.ID != m.login.asks.ID) {
		if !m.login.sent {
			m.say(wording.Line(m.login.asks.Host)+" does not ask any more.", false)
		}
		m.login = nil
		m.hush.since = m.now
	}
	if asks != nil && m.login == nil {
		m.login = newAnswering(*asks, m.o.Keys, m.now)
	}
}

// tick keeps the spinner moving while something is being looked at, and not otherwise.
func (m *preflight) tick() tea.Cmd {
	if m.ticking || m.s == nil || !m.s.Busy || m.login != nil {
		return nil
	}
	m.ticking = true
	return tea.Tick(frame, func(time.Time) tea.Msg { return preflightTick{} })
}

func (m *preflight) key(k tea.KeyPressMsg) tea.Cmd {
	b, _ := m.o.Keys.Lookup(keys.InPreflight, k.String())
	switch {
	case m.s == nil && b.ID != keys.Cancel && b.ID != keys.Interrupt:
		return nil
	case m.login != nil:
		return m.answer(k)
	case b.ID != keys.Interrupt && !m.hush.over(m.now):
		return nil // meant for a login that has gone
	case m.help:
		m.helpKey(k)
		return nil
	}
	m.say("", false)
	switch b.ID {
	case keys.Begin:
		return m.start()
	case keys.Retry:
		m.again(m.port.Look)
	case keys.Go:
		m.again(m.port.Foretell)
		m.scroll[ofFindings].Top = 0 // they are shown first
	case keys.Up:
		m.by(-1)
	case keys.Down:
		m.by(1)
	case keys.PageUp:
		m.by(1 - m.rooms[m.pane])
	case keys.PageDown:
		m.by(m.rooms[m.pane] - 1)
	case keys.NextPane:
		m.pane = (m.pane + 1) % preflightPanes
	case keys.Help:
		m.help = true
	case keys.Cancel:
		return tea.Quit
	case keys.Interrupt:
		m.err = context.Canceled
		return tea.Quit
	default:
	}
	return nil
}

func (m *preflight) by(n int) { m.scroll[m.pane].By(n, m.lengths[m.pane], m.rooms[m.pane]) }

func (m *preflight) wheel(at tea.Mouse) {
	n := map[tea.MouseButton]int{tea.MouseWheelUp: -3, tea.MouseWheelDown: 3}[at.Button]
	over := ofHosts
	if at.Y >= bodyTop+m.rooms[ofHosts]+2 {
		over = ofFindings
	}
	m.scroll[over].By(n, m.lengths[over], m.rooms[over])
}

// start begins the run, when it may begin.
func (m *preflight) start() tea.Cmd {
	switch {
	case m.s.Busy:
		m.say("Not yet: it is still being looked at.", true)
	case !m.s.Ready():
		m.say("Not yet. Put right what stands in the way, then "+m.o.Keys.Name(keys.InPreflight, keys.Retry, "enter")+" looks again.", true)
	default:
		m.begin = true
		return tea.Quit
	}
	return nil
}

// again has something done by the port, unless something is being done.
func (m *preflight) again(do func()) {
	if m.s.Busy {
		m.say("Not yet: something is being looked at.", true)
		return
	}
	do()
}

// answer takes a key for the login that asks.
func (m *preflight) answer(k tea.KeyPressMsg) tea.Cmd {
	a, ok := m.login.key(m.o.Keys, k, m.now)
	if !ok {
		return nil
	}
	port := m.port
	return func() tea.Msg { return respondedMsg{a.Prompt, port.Respond(a)} }
}
