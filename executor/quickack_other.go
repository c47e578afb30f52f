//go:build !linux

package executor

import "net"

func withQuickAck(c net.Conn) net.Conn { return c }
