package tui

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/prompt"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// Shelf is what the home screen shows. Its methods may take their time: they are
// called beside the screen.
type Shelf interface {
	// Runs lists all runs.
	Runs(ctx context.Context) ([]ShelfRun, error)
	// Stand reads where a run stands. Its snapshot has the run, what it waits for and
	// the cell it stands at.
	Stand(ctx context.Context, id string) (*run.Snapshot, error)
	// Books lists the runbooks that can be begun.
	Books(ctx context.Context) ([]ShelfBook, error)
}

// ShelfRun is a run in the list.
type ShelfRun struct {
	ID, Title string
	Started   time.Time
	Last      time.Time   // of its latest event
	Closed    run.Closing // empty: it can be gone on with
	Holder    string      // who drives it now; empty: nobody
	Problem   string      // why it can't be read
}

// ShelfBook is a runbook in the list.
type ShelfBook struct {
	Name    string // what `stepgate run` takes
	Title   string
	Summary string
	Needs   []string // what it needs to be known, in words
	Shipped bool
	Plain   bool   // a document without front matter
	Problem string // why it can't be begun
}

// Chosen is what the operator wants to do next.
type Chosen struct {
	Do   Wanted
	Name string // the run's id, or the runbook's name
}

// Wanted is a kind of choice on the home screen.
type Wanted uint8

const (
	ToLeave  Wanted = iota // the program
	ToResume               // a run
	ToWatch                // a run: look at it, and change nothing
	ToBegin                // a runbook
	ToDemo                 // the shipped runbook on a simulated cluster
)

// Home is the home screen.
type Home struct {
	Shelf   Shelf
	Doctor  string // what to type when the journal can't be read
	Trouble string // what went wrong with the last choice, in lines; empty: nothing
}

// Show lets the operator choose a run to go on with, or a runbook to begin. It fails
// when ctx ends.
func (h Home) Show(ctx context.Context, o Options) (Chosen, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := newHome(ctx, h, o)
	if err := present(ctx, m, m.o); err != nil {
		return Chosen{}, fmt.Errorf("show what can be done: %w", err)
	}
	return m.chosen, nil
}

// The lists of the home screen.
const (
	ofRuns = iota
	ofBooks
	lists
)

// slow is how long the journal may be read before the screen says so.
const slow = 100 * time.Millisecond

// home is the model of the home screen.
type home struct {
	front
	Home
	ctx    context.Context
	now    time.Time
	runs   []ShelfRun
	books  []ShelfBook
	read   [lists]bool
	failed [lists]error
	slow   bool
	stands map[string]stood
	asked  string // the run that is being looked at
	list   int
	moved  bool // a list was chosen by a key
	at     [lists]int
	scroll [lists]pane.Scroll
	places [lists]shownAt
	picked [lists]picked
	told   int            // times that what the lists hold has changed
	find   *prompt.Prompt // the words that are looked for
	typing bool           // they are being typed
	chosen Chosen
}

// stood is where a run stands, in words.
type stood struct {
	where          string
	mark           theme.Mark
	lab            bool // every host is simulated
	settled, total int
	gates          int
	values         []string
}

// shownAt is where a list was drawn, for the mouse.
type shownAt struct {
	x, y, w, h int
	owner      []int // of each line: the entry it belongs to
}

// What the commands of the home screen tell it.
type (
	runsMsg struct {
		runs []ShelfRun
		err  error
	}
	booksMsg struct {
		books []ShelfBook
		err   error
	}
	standMsg struct {
		id   string
		snap *run.Snapshot
		err  error
	}
	slowMsg struct{}
)

func newHome(ctx context.Context, h Home, o Options) *home {
	m := &home{front: newFront(o, keys.InHome), Home: h, ctx: ctx, stands: map[string]stood{}, told: 1}
	m.now = m.o.Now()
	m.find = prompt.New(prompt.Config{})
	return m
}

// Init reads the lists.
func (m *home) Init() tea.Cmd {
	return tea.Batch(m.front.Init(), m.readAll(), tea.Tick(slow, func(time.Time) tea.Msg { return slowMsg{} }))
}

// readAll reads the lists.
func (m *home) readAll() tea.Cmd {
	ctx, shelf := m.ctx, m.Shelf
	return tea.Batch(
		func() tea.Msg { r, err := shelf.Runs(ctx); return runsMsg{r, err} },
		func() tea.Msg { b, err := shelf.Books(ctx); return booksMsg{b, err} },
	)
}

// keepTo leaves the cursor on a run that has moved in the list.
func (m *home) keepTo(id string) {
	for at, i := range m.shown(ofRuns) {
		if m.runs[i].ID == id {
			m.at[ofRuns] = at
		}
	}
	m.clamp()
}

func (m *home) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.now = m.o.Now()
	m.surroundings(msg)
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.FocusMsg:
		cmd = m.readAll() // others may have driven their runs meanwhile
	case runsMsg:
		here, had := m.run()
		m.told++
		m.runs, m.failed[ofRuns], m.read[ofRuns] = inOrder(msg.runs), msg.err, true
		m.stands = map[string]stood{}
		m.settleOn()
		if had {
			m.keepTo(here.ID)
		}
	case booksMsg:
		m.told++
		m.books, m.failed[ofBooks], m.read[ofBooks] = msg.books, msg.err, true
		m.settleOn()
	case standMsg:
		m.told++
		m.asked = ""
		m.stands[msg.id] = m.stand(msg)
	case slowMsg:
		m.slow = true
	case tea.PasteMsg:
		if m.typing {
			m.find.Paste(msg)
			m.clamp()
		}
	case tea.KeyPressMsg:
		cmd = m.key(msg)
	case tea.MouseClickMsg:
		cmd = m.click(msg.Mouse())
	case tea.MouseWheelMsg:
		m.wheel(msg.Mouse())
	}
	return m, tea.Batch(cmd, m.look())
}

// inOrder puts first what can be gone on with at once, then what somebody else drives,
// then what can't be read, then what is closed; what was touched last is on top.
func inOrder(runs []ShelfRun) []ShelfRun {
	out := slices.Clone(runs)
	slices.SortStableFunc(out, func(a, b ShelfRun) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), b.Last.Compare(a.Last))
	})
	return out
}

func (r ShelfRun) rank() int {
	switch {
	case r.Closed != "":
		return 3
	case r.Problem != "":
		return 2
	case r.Holder != "":
		return 1
	}
	return 0
}

// settleOn gives the keys to the runbooks where no run can be gone on with.
func (m *home) settleOn() {
	if m.moved || !m.read[ofRuns] {
		return
	}
	m.list = ofBooks
	if slices.ContainsFunc(m.runs, func(r ShelfRun) bool { return r.Closed == "" }) {
		m.list = ofRuns
	}
}

// stand puts into words where a run stands.
func (m *home) stand(msg standMsg) stood {
	if msg.err != nil {
		return stood{where: wording.Line(msg.err.Error()), mark: theme.Failed}
	}
	s := msg.snap
	out := stood{where: wording.Waiting(s, m.now), mark: theme.Ready, lab: s.Run.Start.Lab != ""}
	out.settled, out.total, out.gates = s.Run.Progress()
	switch s.Wait {
	case run.WaitGate:
		out.mark = theme.Gate
	case run.WaitFailure, run.WaitMonitor:
		out.mark = theme.Failed
	case run.WaitUnknown:
		out.mark = theme.Unknown
	case run.WaitNothing:
		out.mark = theme.Running
		if s.Run.Holder == "" {
			out.where = "was left at work: " + wording.Here(s)
		}
	case run.WaitGo, run.WaitManual, run.WaitAsk, run.WaitBatch, run.WaitUndo, run.WaitPaused, run.WaitClosed:
	}
	for _, v := range s.Run.Plan.Values {
		if v.Set && !v.Param.Secret {
			out.values = append(out.values, wording.Line(v.Param.Name+" = "+v.Show()))
		}
	}
	return out
}

// look has the next run looked at that is near the cursor, one at a time.
func (m *home) look() tea.Cmd {
	if m.asked != "" || m.small() {
		return nil
	}
	shown := m.shown(ofRuns)
	first := max(m.at[ofRuns]-m.h/2, 0)
	for _, i := range shown[min(first, len(shown)):min(m.at[ofRuns]+m.h/2+1, len(shown))] {
		r := m.runs[i]
		if _, known := m.stands[r.ID]; known || r.Problem != "" || r.Closed != "" {
			continue
		}
		m.asked = r.ID
		ctx, shelf := m.ctx, m.Shelf
		return func() tea.Msg { s, err := shelf.Stand(ctx, r.ID); return standMsg{r.ID, s, err} }
	}
	return nil
}

// shown are the entries of a list that have all the words that are looked for.
func (m *home) shown(list int) []int {
	if s := &m.picked[list]; s.words != m.find.Value() || s.of != m.told {
		*s = picked{m.find.Value(), m.told, m.pick(list)}
	}
	return m.picked[list].entries
}

// picked are entries that were found for words.
type picked struct {
	words   string
	of      int // how much was told until then
	entries []int
}

func (m *home) pick(list int) (out []int) {
	words := strings.Fields(strings.ToLower(m.find.Value()))
	has := func(text string) bool {
		text = strings.ToLower(text)
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
	}
	if list == ofRuns {
		for i, r := range m.runs {
			if has(strings.Join([]string{r.ID, r.Title, r.Holder, string(r.Closed), m.stands[r.ID].where}, " ")) {
				out = append(out, i)
			}
		}
		return out
	}
	for i, b := range m.books {
		if has(strings.Join([]string{b.Name, b.Title, b.Summary}, " ")) {
			out = append(out, i)
		}
	}
	return out
}

// run is the run under the cursor, if the runs have the keys.
func (m *home) run() (ShelfRun, bool) {
	shown := m.shown(ofRuns)
	if m.list != ofRuns || m.at[ofRuns] >= len(shown) {
		return ShelfRun{}, false
	}
	return m.runs[shown[m.at[ofRuns]]], true
}

// book is the runbook under the cursor, if the runbooks have the keys.
func (m *home) book() (ShelfBook, bool) {
	shown := m.shown(ofBooks)
	if m.list != ofBooks || m.at[ofBooks] >= len(shown) {
		return ShelfBook{}, false
	}
	return m.books[shown[m.at[ofBooks]]], true
}
