package tui

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
)

// errand is a program of the operator's own as Bubble Tea runs it: the screen is
// given up before Run and drawn anew behind it.
type errand struct {
	t  Streams
	do func(Streams) error
}

func (e *errand) SetStdin(r io.Reader)  { e.t.In = r }
func (e *errand) SetStdout(w io.Writer) { e.t.Out, e.t.Err = w, w }
func (e *errand) SetStderr(io.Writer)   {}

func (e *errand) Run() error {
	defer atLeast(time.Now())
	in, ok := e.t.In.(*os.File)
	if !ok {
		return e.do(e.t)
	}
	err := kept(in, func() error { return e.do(e.t) })
	_, werr := io.WriteString(e.t.Out, plainly)
	return errors.Join(err, werr)
}

// away is the least time for which the screen is given up. Bubble Tea stops its clock
// beside that: what comes back before it has leaves a screen that is never drawn again.
const away = 30 * time.Millisecond

// atLeast waits until the screen has been given up for long enough.
func atLeast(since time.Time) { time.Sleep(away - time.Since(since)) }

// outside gives the terminal to a program of the operator's own, and tells the model
// what came of it. Nothing is drawn and no key is read meanwhile.
func (a *app) outside(do func(Streams) error, then func(error) message) tea.Cmd {
	return tea.Exec(&errand{do: do}, func(err error) tea.Msg { return outsideMsg{then(err)} })
}

// returned takes the terminal back from a program of the operator's own. What was
// typed as it came back isn't for the screen that appears.
func (a *app) returned(m outsideMsg) tea.Cmd {
	a.hush.since = a.now
	return a.own(m.said)
}

// inPager shows what write writes in the operator's pager. write isn't called on the
// model's own goroutine.
func (a *app) inPager(name string, write func(io.Writer) error) tea.Cmd {
	if a.o.Outside == nil {
		a.word, a.bad = "there is no pager here", true
		return nil
	}
	ctx, programs := a.ctx, a.o.Outside
	return a.outside(
		func(t Streams) error { return programs.Page(ctx, t, name, write) },
		func(err error) message { return pagedMsg{err} },
	)
}

func (a *app) paged(m pagedMsg) {
	if m.err != nil {
		a.say(fmt.Errorf("show it in the pager: %w", m.err))
	}
}
