package engine

import (
	"context"
	"fmt"
	"time"

	"stepgate/checks"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// underWay is how long a line that is late may yet be under way, once its link is known
// to be there and this process to listen.
const underWay = 250 * time.Millisecond

// lineFeed makes samples of what the process of a background monitor prints. Its methods
// may be called concurrently; each returns when what it says has been taken in.
type lineFeed struct {
	e     *Engine
	f     *feed
	ctx   context.Context
	limit time.Duration // without a line

	says  chan func()
	quit  chan struct{} // closed by close
	over  chan struct{}
	timer *time.Timer // until there should have been a line; the goroutine's own, as is the next
	reads bool        // the process runs, and what it prints is read
	tardy bool        // a line is late, and may be on its way
}

// lines takes up the samples of a background monitor, until it is closed; nil: the run
// has no such monitor. ctx bounds what a sample has to wait for.
func (e *Engine) lines(ctx context.Context, w run.Watch) *lineFeed {
	f := e.feed(w)
	if f == nil {
		return nil
	}
	l := &lineFeed{
		e: e, f: f, ctx: unattended(ctx), limit: f.f.LookTimeout(),
		says: make(chan func()), quit: make(chan struct{}), over: make(chan struct{}), timer: time.NewTimer(time.Hour),
	}
	l.timer.Stop()
	go l.listen()
	return l
}

func (l *lineFeed) listen() {
	defer close(l.over)
	defer l.timer.Stop()
	for {
		select {
		case say := <-l.says:
			say()
		case <-l.timer.C:
			l.silent()
		case <-l.quit:
			at, _ := l.f.look(l.limit + inattentive)
			l.f.close(context.WithoutCancel(l.ctx), at)
			return
		}
	}
}

func (l *lineFeed) say(what func()) {
	if l == nil {
		return
	}
	done := make(chan struct{})
	select {
	case l.says <- func() { defer close(done); what() }:
		<-done
	case <-l.over:
	}
}

// up says that the process runs and that what it prints is read from here on.
func (l *lineFeed) up() {
	l.say(func() {
		at, _ := l.f.axis.look(l.limit)
		l.f.begin(at)
		l.reads = true
		l.await()
	})
}

// line is a line that the process has printed.
func (l *lineFeed) line(text string) {
	l.say(func() {
		at, _ := l.f.look(l.limit + inattentive)
		n, err := l.e.number(l.ctx)
		if err != nil || l.f.full() {
			l.f.leave(at)
			return
		}
		p := place{c: l.e.state().CellOf(l.f.cell), f: l.f.f, where: l.f.w.Where, extra: map[string]any{"sample": n}}
		s := l.e.readingAt(p, checks.Observation{Ran: true, Check: true, Host: p.where, Line: text})
		l.f.begin(at)
		l.f.add(at, s)
		if l.reads {
			l.await()
		}
	})
}

// ended says that the process has ended by itself: a sample that isn't good, and the last
// until it is up again.
func (l *lineFeed) ended(why string) {
	l.say(func() {
		at, _ := l.f.look(l.limit + inattentive)
		if l.f.watched {
			l.f.add(at, reading{verdict: checks.Fail, cause: "its process has ended: " + l.e.secrets.redactor.String(why)})
		}
		l.stopReading(at)
	})
}

// away says that nobody reads what the process prints, until it is up again: it is
// started anew or ended from here, or its host isn't reached.
func (l *lineFeed) away() {
	l.say(func() {
		at, _ := l.f.look(l.limit + inattentive)
		l.stopReading(at)
	})
}

func (l *lineFeed) stopReading(at time.Time) {
	l.reads = false
	l.timer.Stop()
	l.f.leave(at)
}

// await waits for the next line.
func (l *lineFeed) await() {
	l.tardy = false
	l.timer.Reset(l.limit)
}

// silent is what it means that no line has come in time: nothing is known of the
// workload, unless it is the link that was silent, or this process that didn't listen.
func (l *lineFeed) silent() {
	at, missed := l.f.look(l.limit)
	if !l.reads {
		return
	}
	if missed {
		l.f.begin(at)
		l.await()
		return
	}
	if !l.tardy {
		if host := l.f.w.Where; host != plan.Local {
			if err := l.e.linked(l.ctx, host, prompt); err != nil {
				l.f.leave(at.Add(-l.limit))
				l.e.samples.note(l.f.w, l.e.secrets.redactor.String(err.Error()))
				l.await()
				return
			}
		}
		l.tardy = true
		l.timer.Reset(underWay)
		return
	}
	l.f.begin(at.Add(-l.limit))
	l.f.add(at, reading{verdict: checks.Unknown, cause: fmt.Sprintf("no line within %s", l.limit)})
	l.await()
}

// close ends the samples, and makes them durable.
func (l *lineFeed) close() {
	if l == nil {
		return
	}
	select {
	case <-l.quit:
	default:
		close(l.quit)
	}
	<-l.over
}
