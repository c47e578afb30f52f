package executor

import (
	"context"
	"errors"
	"slices"
	"time"
)

// OpenSSH allows ten sessions per connection unless its MaxSessions says otherwise,
// which shows only when it refuses one.
const (
	usualSessions = 9
	maxConns      = 4 // of a host that allows few sessions in each
)

// Pauses while a server still counts a session that has ended for us: its shell may
// take a moment to notice.
const (
	refusedPause = 50 * time.Millisecond
	refusedMax   = time.Second
	refusedTries = 40 // some half minute
	// A connection of which the server has still sessions after so many refusals, and
	// we none, is given up: what it counts may last as long as what runs there.
	refusedStale = 6
)

// singleFor is how long no further connection is tried after one that wasn't to be had.
const singleFor = 30 * time.Second

const (
	// shareAfter is how long a session that can give way waits before it asks another such.
	shareAfter = time.Second
	// turnAtMost is how long a session that is asked to give way may take to have its turn.
	turnAtMost = 5 * time.Second
)

// errYielded ends a session that has given way to another: its caller opens it again.
var errYielded = errors.New("the session gave way to another")

// room reports whether a session may be opened on the connection now. What lasts
// leaves some for what only asks.
func (c *sshConn) room(lasting bool) bool {
	limit := c.limit
	if lasting {
		limit -= (c.limit + 1) / 3
		limit = max(limit, 1)
	}
	return c.alive() && c.open < limit && !time.Now().Before(c.retry)
}

// waiter is a call that waits for room.
type waiter struct {
	turn    uint64
	lasting bool
	since   time.Time
}

// nextTurn is a place behind all calls that wait now.
func (t *sshTransport) nextTurn() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turns++
	return t.turns
}

// acquire takes room for a session: on the connection there is, on a further one when
// the server allows few in each, or when some session has ended or given way. old says
// that the connection was open already. Calls that wait go in in their turn, so that none
// is passed over for ever.
func (t *sshTransport) acquire(ctx context.Context, c call) (conn *sshConn, old bool, err error) {
	if c.turn == 0 {
		c.turn = t.nextTurn()
	}
	w := &waiter{turn: c.turn, lasting: c.lasting, since: time.Now()}
	defer t.unqueue(w)
	for {
		first, old, err := t.connection(ctx)
		if err != nil {
			return nil, false, err
		}
		t.mu.Lock()
		if conn := t.take(w); conn != nil {
			t.mu.Unlock()
			return conn, old || conn != first, nil
		}
		further := t.limit < usualSessions && len(t.conns) < maxConns && time.Now().After(t.single)
		changed, pause := t.changed, t.soonest()
		if !further {
			if !slices.Contains(t.queue, w) {
				t.queue = append(t.queue, w)
			}
			pause = min(pause, t.askForRoom(c, w))
		}
		t.mu.Unlock()
		if further {
			t.unqueue(w) // meanwhile others may go in
			err = t.further(ctx)
		} else {
			err = t.wait(ctx, changed, first.done, pause)
		}
		if err != nil {
			return nil, false, err
		}
	}
}

// unqueue takes a call off those that wait.
func (t *sshTransport) unqueue(w *waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.queue, w); i >= 0 {
		t.queue = slices.Delete(t.queue, i, i+1)
		t.wake()
	}
}

// askForRoom asks a session to give way, and returns when to ask again. What can give
// way itself is in no haste.
func (t *sshTransport) askForRoom(c call, w *waiter) time.Duration {
	if c.yields != nil {
		if left := shareAfter - time.Since(w.since); left > 0 {
			return left
		}
	}
	if len(t.follows) > 0 {
		t.follows[0].ask()
	}
	return time.Minute
}

// take takes room on a connection that has some, and that nobody who came before could
// take as well.
func (t *sshTransport) take(w *waiter) *sshConn {
	for _, conn := range t.conns {
		if !conn.room(w.lasting) || slices.ContainsFunc(t.queue, func(o *waiter) bool { return o.turn < w.turn && conn.room(o.lasting) }) {
			continue
		}
		conn.open++
		return conn
	}
	return nil
}

// wait waits until there may be room.
func (t *sshTransport) wait(ctx context.Context, changed, lost <-chan struct{}, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-changed:
	case <-lost:
	case <-timer.C:
	case <-ctx.Done():
		return t.unreached(ctx.Err(), "")
	case <-t.closed:
		return t.unreached(errClosed, "")
	}
	return nil
}

// soonest is how long it takes until a connection that has refused may be tried again.
func (t *sshTransport) soonest() time.Duration {
	wait := time.Minute
	for _, c := range t.conns {
		if left := time.Until(c.retry); left > 0 {
			wait = min(wait, left)
		}
	}
	return wait
}

// further makes one more connection, asking nobody. Without it there is one session
// after the other.
func (t *sshTransport) further(ctx context.Context) error {
	select {
	case t.dialing <- struct{}{}:
	case <-ctx.Done():
		return t.unreached(ctx.Err(), "")
	}
	defer func() { <-t.dialing }()
	if _, err := t.add(ctx, false); err != nil {
		if ctx.Err() != nil {
			return t.unreached(ctx.Err(), "")
		}
		t.mu.Lock()
		t.single = time.Now().Add(singleFor)
		t.mu.Unlock()
	}
	return nil
}

// release gives the room of a session back.
func (t *sshTransport) release(conn *sshConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	conn.open--
	t.wake()
}

// served notes that the server has granted a session.
func (t *sshTransport) served(conn *sshConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	conn.served, conn.refusals = true, 0
}

func (t *sshTransport) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// refused learns from a refusal how many sessions the server allows, and gives the
// room back; false when it allows none at all.
func (t *sshTransport) refused(conn *sshConn, tries int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	conn.open--
	if conn.open == 0 && !conn.served || tries > refusedTries {
		t.wake()
		return false
	}
	if conn.refusals >= refusedStale && conn.open == 0 {
		t.drop(conn)
		conn.cut()
		return true
	}
	conn.limit = min(conn.limit, max(conn.open, 1))
	t.limit = min(t.limit, conn.limit)
	conn.refusals++
	conn.retry = time.Now().Add(min(refusedPause<<min(conn.refusals, 10), refusedMax))
	t.wake()
	return true
}

// drop takes a connection out of the list.
func (t *sshTransport) drop(conn *sshConn) {
	t.conns = slices.DeleteFunc(t.conns, func(c *sshConn) bool { return c == conn })
	t.wake()
}

// yielder is a session that can give way.
type yielder struct {
	way   chan struct{}
	asked bool
}

func (y *yielder) ask() {
	if !y.asked {
		y.asked = true
		close(y.way)
	}
}

// giveWay lists a session that can give way; ended takes it off. Who came while it was
// being opened found nobody to ask, and looks again.
func (t *sshTransport) giveWay() (way <-chan struct{}, ended func()) {
	y := &yielder{way: make(chan struct{})}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.follows = append(t.follows, y)
	if len(t.queue) > 0 {
		t.wake()
	}
	return y.way, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.follows = slices.DeleteFunc(t.follows, func(o *yielder) bool { return o == y })
	}
}
