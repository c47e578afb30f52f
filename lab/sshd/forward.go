package sshd

import (
	"context"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// directTCP is the payload of a direct-tcpip request (RFC 4254 §7.2).
type directTCP struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

// forward connects a channel to a port of this machine until either side closes
// or gone ends.
func forward(gone context.Context, ch ssh.NewChannel) {
	var want directTCP
	if err := ssh.Unmarshal(ch.ExtraData(), &want); err != nil {
		refuse(ch, ssh.ConnectionFailed, "malformed request")
		return
	}
	if ip := net.ParseIP(want.Host); want.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		refuse(ch, ssh.Prohibited, "only loopback addresses are forwarded")
		return
	}
	dialer := net.Dialer{Timeout: 10 * time.Second}
	target, err := dialer.DialContext(gone, "tcp", net.JoinHostPort(want.Host, strconv.Itoa(int(want.Port))))
	if err != nil {
		refuse(ch, ssh.ConnectionFailed, err.Error())
		return
	}
	defer target.Close()
	channel, requests, err := ch.Accept()
	if err != nil {
		return
	}
	stop := context.AfterFunc(gone, func() {
		target.Close()
		channel.Close()
	})
	defer stop()
	defer channel.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { ssh.DiscardRequests(requests) })
	wg.Go(func() {
		// A broken direction ends with EOF on its other side, as in OpenSSH.
		_, _ = io.Copy(target, channel)
		if tcp, ok := target.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
	})
	_, _ = io.Copy(channel, target)
	_ = channel.CloseWrite()
	channel.Close()
}
