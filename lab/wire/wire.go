package wire

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// ErrMalformed is of a line that isn't the JSON that was expected. The next one can
// be received.
var ErrMalformed = errors.New("malformed line")

// maxLine bounds a line, in bytes.
const maxLine = 16 << 20

// dialTime bounds how long a connection on loopback may take.
const dialTime = 5 * time.Second

// Conn is one end of a connection. Values may be sent from several goroutines, and
// received by one at a time.
type Conn struct {
	conn  net.Conn
	lines *bufio.Scanner

	mu  sync.Mutex
	enc *json.Encoder
}

// New is the end conn of a connection.
func New(conn net.Conn) *Conn {
	c := &Conn{conn: conn, lines: bufio.NewScanner(conn), enc: json.NewEncoder(conn)}
	c.lines.Buffer(nil, maxLine)
	return c
}

// Dial connects with addr, an ip:port.
func Dial(addr string) (*Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, dialTime)
	if err != nil {
		return nil, err
	}
	return New(conn), nil
}

// Send sends one value.
func (c *Conn) Send(v any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.enc.Encode(v)
}

// Receive waits for the next value. Its error is [io.EOF] when the other end has
// closed the connection, and [ErrMalformed] when the line doesn't fit v.
func (c *Conn) Receive(v any) error {
	if !c.lines.Scan() {
		if err := c.lines.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	if err := json.Unmarshal(c.lines.Bytes(), v); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// Close ends the connection; who waits in Receive gets an error.
func (c *Conn) Close() error { return c.conn.Close() }

// Truth is what [Serve] keeps going.
type Truth struct {
	// Every is how often Advance is called.
	Every time.Duration
	// Advance does what is due. Its error ends Serve.
	Advance func(now time.Time) error
	// Talk serves one connection, and returns when it has ended. Its context ends
	// with Serve; the connection is closed then, and when Talk returns.
	Talk func(ctx context.Context, conn *Conn)
}

// Serve accepts connections on ln until ctx ends or the truth can't be advanced. It
// closes ln, and returns when all that it has begun has ended.
func Serve(ctx context.Context, ln net.Listener, t Truth) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	var clockErr error
	wg.Go(func() {
		clockErr = t.tick(ctx)
		cancel()
	})
	for {
		conn, err := ln.Accept()
		if err != nil {
			if ctx.Err() == nil {
				return fmt.Errorf("accept on %q: %w", ln.Addr(), err)
			}
			cancel()
			wg.Wait()
			return clockErr
		}
		wg.Go(func() {
			defer conn.Close()
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			defer stop()
			t.Talk(ctx, New(conn))
		})
	}
}

func (t Truth) tick(ctx context.Context) error {
	clock := time.NewTicker(t.Every)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-clock.C:
			if err := t.Advance(now); err != nil {
				return err
			}
		}
	}
}
