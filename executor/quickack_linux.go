package executor

import (
	"net"

	"golang.org/x/sys/unix"
)

// quickAck is a TCP connection that acknowledges at once what it has read. OpenSSH
// servers write small packets under Nagle's algorithm, which would otherwise wait
// 40 ms for a delayed acknowledgement several times during a handshake.
type quickAck struct{ *net.TCPConn }

func withQuickAck(c net.Conn) net.Conn {
	if tcp, ok := c.(*net.TCPConn); ok {
		return quickAck{tcp}
	}
	return c
}

// Read implements net.Conn.
func (c quickAck) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	if n > 0 {
		if raw, rerr := c.SyscallConn(); rerr == nil {
			// The kernel forgets the option after a while; without it the
			// connection is only slower.
			_ = raw.Control(func(fd uintptr) {
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
			})
		}
	}
	return n, err
}
