package dolphindb

import (
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"

	"stepgate/lab/wire"
)

// question and reply are what the client and a server process say to each other.
type question struct {
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	Script   string `json:"script"`
}

type reply struct {
	Out   string `json:"out"`
	Error string `json:"error,omitempty"` // of the script
}

// changing are the functions of the server by which a script changes more than rows.
var changing = regexp.MustCompile(`\b(startDataNode|stopDataNode|startComputeNode|stopComputeNode|saveClusterNodes|addAgentToController|addNode|` +
	`forceCorrectVersionByReplica|triggerNodeReport|suspendRecovery|resumeRecovery|setDfsRecoveryWaitTime|setConfig|` +
	`createPartitionedTable|createTable|dropDatabase|dropTable|dropPartition)\b`)

// changes are the statements of a script that the ledger keeps: those that call such a
// function. One with a password in it is kept by the function's name.
func changes(script string) []string {
	var out []string
	for _, statement := range strings.FieldsFunc(script, func(r rune) bool { return r == '\n' || r == ';' }) {
		name := changing.FindString(statement)
		switch {
		case name == "" || strings.HasPrefix(strings.TrimSpace(statement), "//"):
		case strings.Contains(statement, "login("):
			out = append(out, name)
		default:
			out = append(out, strings.TrimSpace(statement))
		}
	}
	return out
}

// runClient is dolphindb -remoteHost … -run FILE: the script is executed there and
// what it prints is printed here. It exits with 0 although the script failed, its
// error among what is printed; only when nobody answers with 1.
func runClient(p *program, o map[string]string) int {
	if o["run"] == "" {
		fmt.Fprintln(p.Stdout, "DolphinDB Terminal "+p.Version+": the lab's terminal runs scripts only, give -run FILE")
		return 1
	}
	script, err := os.ReadFile(o["run"])
	if err != nil {
		fmt.Fprintf(p.Stdout, "Can't open file [%s]\n", o["run"])
		return 1
	}
	if calls := changes(string(script)); len(calls) > 0 {
		if !p.Record("dolphindb", append([]string{net.JoinHostPort(o["remoteHost"], o["remotePort"])}, calls...)) {
			return 1
		}
	}
	answer, err := ask(o["remoteHost"], o["remotePort"], question{User: o["uid"], Password: o["pwd"], Script: string(script)})
	if err != nil {
		code := ""
		var errno syscall.Errno
		if errors.As(err, &errno) {
			code = fmt.Sprintf(" with error code %d", int(errno))
		}
		fmt.Fprintf(p.Stdout, "Failed to connect to host = %s port = %s%s\n", o["remoteHost"], o["remotePort"], code)
		return 1
	}
	fmt.Fprint(p.Stdout, answer.Out)
	if answer.Error != "" {
		if answer.Out != "" && !strings.HasSuffix(answer.Out, "\n") {
			fmt.Fprintln(p.Stdout)
		}
		fmt.Fprintln(p.Stdout, answer.Error)
	}
	return 0
}

// ask puts a script to the process that listens at host and port.
func ask(host, port string, q question) (reply, error) {
	conn, err := wire.Dial(net.JoinHostPort(host, port))
	if err != nil {
		return reply{}, err
	}
	defer conn.Close()
	if err := conn.Send(q); err != nil {
		return reply{}, err
	}
	var r reply
	err = conn.Receive(&r)
	return r, err
}
