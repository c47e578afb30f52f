package cluster

import (
	"errors"
	"fmt"

	"stepgate/lab/wire"
)

// Link is a process's connection to the cluster. Its methods may not be called
// concurrently; the channel of Orders may be read at any time.
type Link struct {
	conn    *wire.Conn
	replies chan response
	orders  chan Order
}

// Dial opens a connection to the cluster that listens at addr.
func Dial(addr string) (*Link, error) {
	conn, err := wire.Dial(addr)
	if err != nil {
		return nil, err
	}
	l := &Link{conn: conn, replies: make(chan response, 1), orders: make(chan Order, 64)}
	go l.read()
	return l, nil
}

// read ends, and closes both channels, when the connection does.
func (l *Link) read() {
	defer close(l.orders)
	defer close(l.replies)
	for {
		var r response
		if l.conn.Receive(&r) != nil {
			return
		}
		if r.Order != nil {
			select {
			case l.orders <- *r.Order:
			default: // an agent that doesn't read them has hung
			}
			continue
		}
		l.replies <- r
	}
}

// Join makes the process a member until the link ends. A [*Refused] is the line
// for its log.
func (l *Link) Join(m Member) error {
	_, err := l.ask(request{Kind: "join", Member: &m})
	return err
}

// Orders are an agent's. It is closed when the link ends.
func (l *Link) Orders() <-chan Order { return l.orders }

// Bye leaves, and closes the link. The process's files aren't touched any more
// when it returns.
func (l *Link) Bye() error {
	_, err := l.ask(request{Kind: "bye"})
	return errors.Join(err, l.Close())
}

// Close ends the link, as the death of the process does.
func (l *Link) Close() error { return l.conn.Close() }

func (l *Link) ask(req request) (response, error) {
	if err := l.conn.Send(req); err != nil {
		return response{}, fmt.Errorf("ask the cluster: %w", err)
	}
	r, ok := <-l.replies
	switch {
	case !ok:
		return response{}, errors.New("ask the cluster: connection closed")
	case r.Refused:
		return response{}, &Refused{r.Err}
	case r.Err != "":
		return response{}, errors.New(r.Err)
	}
	return r, nil
}

// Eval runs a script on the process whose site is ip:port (an alias is taken too,
// where only one process has it). out is what it printed, scriptErr the script's
// error in DolphinDB's words; err means that there is no such process, or that
// the cluster doesn't answer. Without a user it runs as a guest.
func Eval(addr, site, user, password, script string) (out, scriptErr string, err error) {
	l, err := Dial(addr)
	if err != nil {
		return "", "", err
	}
	defer l.Close()
	r, err := l.ask(request{Kind: "eval", Site: site, User: user, Password: password, Script: script})
	return r.Out, r.Script, err
}
