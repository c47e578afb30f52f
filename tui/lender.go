package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"
)

// Lender passes the operator's terminal to a command and takes it back. A user
// interface that has the terminal serves its loans; until one does, borrowers
// wait. The zero value isn't ready; a nil Lender lends nothing.
type Lender struct{ loans chan *Loan }

// NewLender returns one that nobody serves yet.
func NewLender() *Lender { return &Lender{make(chan *Loan)} }

// Loan is the wish to have the terminal.
type Loan struct {
	use   func(in, out *os.File) error
	taken atomic.Bool // by the user interface, or by the borrower who gave up
	done  chan error
}

// Lend waits for the terminal and passes it to use, in the state in which the
// program found it: lines, echo, the main screen. It returns what use returns,
// or the cause of ctx's end where that comes before the terminal is free. use
// must return when ctx ends.
func (l *Lender) Lend(ctx context.Context, use func(in, out *os.File) error) error {
	if l == nil {
		return errors.New("lend the terminal: there is none here")
	}
	loan := &Loan{use: use, done: make(chan error, 1)}
	select {
	case l.loans <- loan:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-loan.done:
		return err
	case <-ctx.Done():
		if loan.taken.CompareAndSwap(false, true) {
			return context.Cause(ctx)
		}
		return <-loan.done
	}
}

// Loans are the wishes to have the terminal. One reader, which takes or refuses
// each.
func (l *Lender) Loans() <-chan *Loan {
	if l == nil {
		return nil
	}
	return l.loans
}

// Take hands over the terminal and returns when it is back. It does nothing when
// the borrower has given up.
func (l *Loan) Take(in, out *os.File) {
	if !l.taken.CompareAndSwap(false, true) {
		return
	}
	err := errors.New("lend the terminal: the borrower ended without a word")
	defer func() { l.done <- err }() // also when use panics
	if err = kept(in, func() error { return l.use(in, out) }); err == nil {
		_, err = io.WriteString(out, plainly)
	}
}

// kept runs f and puts the terminal's modes back behind it: a program that was
// killed, or whose connection broke, leaves them as they were for itself.
func kept(in *os.File, f func() error) (err error) {
	was, err := term.GetState(int(in.Fd()))
	if err != nil {
		return fmt.Errorf("keep the terminal's modes: %w", err)
	}
	defer func() { err = errors.Join(err, term.Restore(int(in.Fd()), was)) }()
	return f()
}

// plainly undoes what such a program has told the terminal itself: mouse, focus
// and paste reports, key modes, the other screen, colours, a hidden cursor.
const plainly = "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[<u\x1b[>4m\x1b[?1l\x1b>" +
	"\x1b[?1047l\x1b[r\x1b[?25h\x1b[0m\x1b(B\x1b[999H"

// Refuse says that the terminal can't be lent.
func (l *Loan) Refuse(err error) {
	if l.taken.CompareAndSwap(false, true) {
		l.done <- fmt.Errorf("lend the terminal: %w", err)
	}
}

// lent is a loan as Bubble Tea runs it: the screen is given up before Run and
// drawn anew behind it.
type lent struct {
	loan         *Loan
	in, out      *os.File
	before, back string // lines of our own around what is shown meanwhile
}

func (l *lent) SetStdin(io.Reader)  {}
func (l *lent) SetStdout(io.Writer) {}
func (l *lent) SetStderr(io.Writer) {}

func (l *lent) Run() error {
	if _, err := io.WriteString(l.out, l.before); err != nil {
		l.loan.Refuse(err)
		return err
	}
	defer atLeast(time.Now())
	l.loan.Take(l.in, l.out)
	_, err := io.WriteString(l.out, l.back)
	return err
}

// lend gives up the screen for as long as a command has the terminal. Nothing is
// drawn and no key is read meanwhile.
func (a *app) lend(m loanMsg) tea.Cmd {
	in, ok := a.o.In.(*os.File)
	out, okOut := a.o.Out.(*os.File)
	if !ok || !okOut {
		m.loan.Refuse(errors.New("this screen is drawn on none"))
		return nil
	}
	l := &lent{
		loan: m.loan, in: in, out: out,
		before: "\r\nstepgate: the terminal is lent to " + m.to + "; the screen comes back when that ends\r\n",
		back:   "\r\nstepgate: the terminal is back from " + m.to + "\r\n",
	}
	return tea.Exec(l, func(err error) tea.Msg { return backMsg{m.loan, err} })
}

// back takes the terminal again. What was typed as it came back isn't for the
// screen that appears.
func (a *app) back(m backMsg) {
	a.hush.since = a.now
	if m.err != nil {
		m.loan.Refuse(m.err)
		a.say(fmt.Errorf("lend the terminal: %w", m.err))
	}
}
