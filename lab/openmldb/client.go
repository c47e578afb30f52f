package openmldb

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// clientFlags are the command-line flags of openmldb that the simulation knows.
type clientFlags struct {
	flagfile, role, cmd, endpoint, zk, root, database string
	interactive, version, statusService               bool
}

// runOpenmldb is bin/openmldb: a server with --flagfile, else a client by --role.
func runOpenmldb(p *program, args []string) int {
	var f clientFlags
	set := flag.NewFlagSet("openmldb", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&f.flagfile, "flagfile", "", "")
	set.StringVar(&f.role, "role", "", "")
	set.StringVar(&f.cmd, "cmd", "", "")
	set.StringVar(&f.endpoint, "endpoint", "", "")
	set.StringVar(&f.zk, "zk_cluster", "", "")
	set.StringVar(&f.root, "zk_root_path", "", "")
	set.StringVar(&f.database, "database", "", "")
	set.BoolVar(&f.interactive, "interactive", true, "")
	set.BoolVar(&f.version, "version", false, "")
	set.BoolVar(&f.statusService, "enable_status_service", false, "")
	if err := set.Parse(args); err != nil {
		text := err.Error()
		if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
			text = "unknown command line flag '" + name + "'"
		}
		fmt.Fprintln(p.Stderr, "ERROR:", text)
		return 1
	}
	switch {
	case f.version:
		fmt.Fprintf(p.Stdout, "openmldb version %s\n", p.Version)
		return 0
	case f.flagfile != "":
		return runServer(p, f.flagfile)
	}
	switch f.role {
	case "ns_client":
		return nsClient(p, f)
	case "client":
		return tabletClient(p, f)
	case "sql_client":
		return sqlClient(p, f)
	}
	fmt.Fprintln(p.Stdout, "Start failed! FLAGS_role must be tablet, client, ns_client, nameserver or apiserver")
	return 1
}

// changes are the commands that the ledger keeps.
var changes = map[string]bool{
	"confset": true, "changeleader": true, "recovertable": true, "addreplica": true, "delreplica": true,
	"updatetablealive": true, "cancelop": true, "loadtable": true,
}

// commands are what a client is to do: --cmd, or the lines of stdin.
func commands(p *program, f clientFlags) []string {
	if f.cmd != "" {
		return []string{f.cmd}
	}
	var out []string
	lines := bufio.NewScanner(p.Stdin)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" && line != "quit" && line != "exit" {
			out = append(out, line)
		}
	}
	return out
}

// findLeader asks ZooKeeper for the leader nameserver. Its error is the client's
// whole output.
func findLeader(zk, root string) (string, error) {
	l, err := dial(zk)
	if err != nil {
		return "", errors.New("zk client init failed")
	}
	defer l.conn.Close()
	a, err := l.ask(request{Kind: "leader", Root: root})
	if err != nil {
		return "", err
	}
	return a.Text, nil
}

// nsClient exits 0 whatever happens, as the original does.
func nsClient(p *program, f clientFlags) int {
	endpoint := f.endpoint
	switch {
	case f.zk != "":
		leader, err := findLeader(f.zk, f.root)
		if err != nil {
			fmt.Fprintln(p.Stdout, err)
			return 0
		}
		endpoint = leader
		fmt.Fprintf(p.Stdout, "ns leader: %s\n", endpoint)
	case endpoint == "":
		fmt.Fprintln(p.Stdout, "Start failed! not set endpoint or zk_cluster")
		return 0
	}
	return p.askEach(endpoint, f, f.database)
}

func tabletClient(p *program, f clientFlags) int {
	if f.endpoint == "" {
		fmt.Fprintln(p.Stdout, "Start failed! not set endpoint")
		return 0
	}
	return p.askEach(f.endpoint, f, "")
}

// askEach puts the client's commands to the process at endpoint.
func (p *program) askEach(endpoint string, f clientFlags, db string) int {
	for _, cmd := range commands(p, f) {
		words := strings.Fields(cmd)
		if !p.recordChange("openmldb", words) {
			return 1
		}
		a, err := askServer(endpoint, request{Words: words, DB: db})
		if err != nil {
			fmt.Fprintf(p.Stdout, "failed to %s. error msg: %v\n", words[0], err)
			continue
		}
		show(p.Stdout, a, writeDashed)
	}
	return 0
}

// show prints what came back.
func show(w io.Writer, a answer, table func(io.Writer, answer)) {
	if a.Text != "" {
		fmt.Fprintln(w, a.Text)
	}
	if a.Header != nil {
		table(w, a)
	}
}

// recordChange keeps a command that changes something in the ledger, and says
// whether it may go on.
func (p *program) recordChange(name string, words []string) bool {
	if len(words) == 0 || !changes[words[0]] {
		return true
	}
	return p.Record(name, words)
}
