package tui

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"stepgate/tui/keys"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// Options are what the surroundings know.
type Options struct {
	In    io.Reader // the terminal; nil: standard input
	Out   io.Writer // the terminal; nil: standard output
	Env   []string  // of the process; nil: its own
	Theme theme.Options
	Auto  bool // go on by itself from the start
	Lab   bool // every host is simulated
	// Watching: the run is driven elsewhere; the screen only shows it.
	Watching bool
	Now      func() time.Time // the clock; nil: the system's
	Lend     *Lender          // of the terminal, to commands that need it; nil: to none
	Title    string           // of what values are asked for
	Size     [2]int           // columns and lines, where the terminal can't be asked; else zero
	Keys     keys.Map         // zero: the default
	Notify   Notify           // how a person is called who isn't looking
	// Outside runs the operator's own programs; nil: there are none.
	Outside Outside
}

// Outside are the operator's own programs. They have the terminal while they run.
type Outside interface {
	// Edit gives a text to the editor and returns what it became. name tells what it
	// is, and ends as a file of its kind does.
	Edit(ctx context.Context, t Streams, name, text string) (string, error)
	// Page shows in the pager what write writes.
	Page(ctx context.Context, t Streams, name string, write func(io.Writer) error) error
}

// Streams are the terminal as a program gets it.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.In == nil {
		o.In = os.Stdin
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if len(o.Keys.Bindings()) == 0 {
		o.Keys = keys.Default()
	}
	return o
}

// Left says why the screen was left.
type Left uint8

const (
	// LeftByOperator: the operator left, or ctx ended; the run stays.
	LeftByOperator Left = iota
	// LeftClosed: the run is closed, and the operator has seen it.
	LeftClosed
)

// pace is the least time between two views that are sent to the screen.
const pace = 40 * time.Millisecond

// Run shows a run on the terminal until the operator leaves, or ctx ends, which
// is an error. What runs on the hosts goes on either way. The terminal is
// restored before Run returns, also when something here panics.
func Run(ctx context.Context, ctl Controller, src Source, o Options) (Left, error) {
	o = o.withDefaults()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := newApp(ctx, ctl, src, o)
	p := tea.NewProgram(a, programOptions(o)...)
	// Not tea.WithContext: a program that is killed leaves its reader at the
	// terminal.
	defer context.AfterFunc(ctx, p.Quit)()
	pumped := make(chan error, 1)
	go func() {
		err := pump(ctx, src, o.Lend.Loans(), p)
		if err != nil {
			cancel(err)
		}
		pumped <- err
	}()
	_, _ = io.WriteString(o.Out, keepTitle)
	_, err := p.Run()
	_, _ = io.WriteString(o.Out, backTitle)
	if err == nil {
		err = context.Cause(ctx)
	}
	cancel(nil)
	if perr := <-pumped; perr != nil {
		return LeftByOperator, perr
	}
	if err != nil {
		return LeftByOperator, fmt.Errorf("show run: %w", err)
	}
	return a.left, nil
}

func programOptions(o Options) []tea.ProgramOption {
	opts := []tea.ProgramOption{
		tea.WithInput(o.In), tea.WithOutput(o.Out), tea.WithFPS(60),
		tea.WithoutSignalHandler(), // signals are the caller's: they end ctx
	}
	if o.Theme.NoColor { // whatever the terminal could do, and for what hosts print too
		opts = append(opts, tea.WithColorProfile(colorprofile.ASCII))
	}
	if o.Env != nil {
		opts = append(opts, tea.WithEnvironment(o.Env))
	}
	if o.Size != [2]int{} {
		opts = append(opts, tea.WithWindowSize(o.Size[0], o.Size[1]))
	}
	return opts
}

// pump forwards the run's changes to the screen, and the wishes to have the
// terminal. Views may be left out, the latest never is.
func pump(ctx context.Context, src Source, loans <-chan *Loan, p *tea.Program) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("show run: panic: %v", v)
		}
	}()
	p.Send(snapMsg{src.Snapshot()})
	changes := src.Changes()
	for {
		select {
		case <-ctx.Done():
			return nil
		case loan := <-loans:
			s := src.Snapshot()
			p.Send(snapMsg{s})
			p.Send(loanMsg{loan, wording.Lent(s)})
			continue
		case _, ok := <-changes:
			p.Send(snapMsg{src.Snapshot()})
			if !ok {
				p.Send(overMsg{})
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pace):
		}
	}
}
