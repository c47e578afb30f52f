package sshd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// maxSessions is OpenSSH's MaxSessions.
const maxSessions = 10

// handshakeTime bounds how long a client may take to log in.
const handshakeTime = 30 * time.Second

// Server is the SSH server of one host. Its fields are set before Serve and not
// changed afterwards.
type Server struct {
	Signer     ssh.Signer      // host key
	User       string          // the one user who may log in
	Authorized []ssh.PublicKey // keys that let the user in
	Dir        string          // home and working directory of commands
	Env        []string        // NAME=value, added to and winning over HOME, PATH, USER, LOGNAME, SHELL
	Shell      string          // the login shell; default /bin/sh
	NoFiles    bool            // there is no sftp subsystem
	// Configure changes how clients log in.
	Configure func(*ssh.ServerConfig)
	// Activity is told the number of logged-in connections whenever it changes,
	// one call at a time. It must not call the Server.
	Activity func(open int)
	// Started is told the number of each command's process, which is that of its
	// process group and session too, before the command's client hears of it.
	Started func(pid int)

	mu    sync.Mutex
	conns map[net.Conn]bool // value: logged in
	wg    sync.WaitGroup
}

// Serve accepts connections until ctx ends. Then the listener and all
// connections are closed, the commands of their sessions are killed, and Serve
// returns nil when they are gone. It closes ln in any case.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	defer ln.Close()
	if err := loopbackOnly(ln.Addr()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() {
		ln.Close()
		s.CloseConnections()
	})
	defer func() {
		cancel()
		stop()
		s.CloseConnections()
		s.wg.Wait()
	}()
	config := s.config()
	for {
		conn, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept on %q: %w", ln.Addr(), err)
		}
		if !s.track(ctx, conn) {
			conn.Close()
			return nil
		}
		s.wg.Go(func() {
			defer s.drop(conn)
			s.serveConn(ctx, conn, config)
		})
	}
}

// CloseConnections cuts every open connection, as a failing network would.
// Commands go on.
func (s *Server) CloseConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		conn.Close()
	}
}

func loopbackOnly(a net.Addr) error {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsLoopback() {
		return fmt.Errorf("listen on %q: only loopback addresses are served", a)
	}
	return nil
}

func (s *Server) config() *ssh.ServerConfig {
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if meta.User() == s.User {
				for _, k := range s.Authorized {
					if bytes.Equal(k.Marshal(), key.Marshal()) {
						return nil, nil
					}
				}
			}
			return nil, errors.New("key not authorized")
		},
	}
	config.AddHostKey(s.Signer)
	if s.Configure != nil {
		s.Configure(config)
	}
	return config
}

// track registers a connection, unless the server has been stopped.
func (s *Server) track(ctx context.Context, conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	if s.conns == nil {
		s.conns = make(map[net.Conn]bool)
	}
	s.conns[conn] = false
	return true
}

func (s *Server) loggedIn(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[conn] = true
	s.announce()
}

func (s *Server) drop(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.conns[conn]
	delete(s.conns, conn)
	if was {
		s.announce()
	}
}

func (s *Server) announce() {
	if s.Activity == nil {
		return
	}
	open := 0
	for _, in := range s.conns {
		if in {
			open++
		}
	}
	s.Activity(open)
}

// serveConn returns when the connection is gone and its channels are done.
// Commands that go on are waited for by Serve.
func (s *Server) serveConn(ctx context.Context, conn net.Conn, config *ssh.ServerConfig) {
	if err := conn.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return
	}
	client, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	defer client.Close()
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return
	}
	s.loggedIn(conn)
	gone, cut := context.WithCancel(ctx)
	defer cut()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cut()
	wg.Go(func() { ssh.DiscardRequests(requests) }) // answers keepalives
	slots := make(chan struct{}, maxSessions)
	for ch := range channels {
		switch ch.ChannelType() {
		case "session":
			select {
			case slots <- struct{}{}:
				wg.Go(func() {
					defer func() { <-slots }()
					s.session(ctx, gone, conn, ch)
				})
			default:
				refuse(ch, ssh.ConnectionFailed, "open failed: too many sessions")
			}
		case "direct-tcpip":
			wg.Go(func() { forward(gone, ch) })
		default:
			refuse(ch, ssh.UnknownChannelType, "unsupported channel type")
		}
	}
}

// refuse answers a channel request with no. An error means that the connection
// is gone, which its reader finds out too.
func refuse(ch ssh.NewChannel, why ssh.RejectionReason, text string) {
	_ = ch.Reject(why, text)
}
