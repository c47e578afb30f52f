package userland

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var portPattern = regexp.MustCompile(`:(\d+)$`)

// SS is `ss -ltn "sport = :PORT"`, for machines without one.
func SS(args []string, stdout, stderr io.Writer) int {
	port := ""
	header := true
	for _, a := range args {
		if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.Contains(a, "H") {
			header = false
		}
		if m := portPattern.FindStringSubmatch(strings.TrimSpace(a)); m != nil {
			port = m[1]
		}
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		fmt.Fprintln(stderr, `ss: this host's ss only knows "sport = :PORT"`)
		return 255
	}
	if header {
		fmt.Fprintln(stdout, "State  Recv-Q Send-Q Local Address:Port  Peer Address:Port")
	}
	for _, addr := range listeners(number) {
		fmt.Fprintf(stdout, "LISTEN 0      4096   %s      0.0.0.0:*\n", addr)
	}
	return 0
}

// listeners are the local IPv4 addresses that listen on a port: as the kernel lists
// them or, where it doesn't, 127.0.0.1 if it accepts.
func listeners(port uint64) (out []string) {
	f, err := os.Open("/proc/net/tcp")
	if err != nil {
		addr := net.JoinHostPort("127.0.0.1", strconv.FormatUint(port, 10))
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return nil
		}
		conn.Close()
		return []string{addr}
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		const listening = "0A"
		if len(fields) < 4 || fields[3] != listening {
			continue
		}
		ip, p, _ := strings.Cut(fields[1], ":")
		n, err := strconv.ParseUint(ip, 16, 32)
		if at, perr := strconv.ParseUint(p, 16, 16); err != nil || perr != nil || at != port {
			continue
		}
		// The kernel prints the address as a number of its own byte order.
		out = append(out, fmt.Sprintf("%d.%d.%d.%d:%d", byte(n), byte(n>>8), byte(n>>16), byte(n>>24), port))
	}
	return out
}
