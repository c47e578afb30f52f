package openmldb

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// pollOps is how often tools/openmldb_ops.py looks at operations.
const pollOps = 2 * time.Second

// exception is a Python exception that nobody catches: exit code 1, and what
// the tool had changed stays changed.
type exception struct{ kind, text string }

func (e *exception) Error() string { return e.kind + ": " + e.text }

// errStatus is a failure that the tool has logged and swallows: exit code 0.
var errStatus = errors.New("failed")

// opsTool is one run of tools/openmldb_ops.py.
type opsTool struct {
	*program
	bin, zk, root, cmd string
	endpoints          string
	hasEndpoints       bool
	statfile           string
	singleReplica      bool
	db                 string
	filter             string
	hasFilter          bool
	leader             string
}

var (
	manageOps = []string{"recoverdata", "scalein", "scaleout", "pre-upgrade", "post-upgrade"}
	queryOps  = []string{"showopstatus", "showtablestatus"}
)

// runOps exits 0 after nearly every failure, and 1 after an exception.
func runOps(p *program, args []string) int {
	t := &opsTool{program: p}
	if err := t.parse(args); err != nil {
		fmt.Fprintf(p.Stderr, "Usage: openmldb_ops.py [options]\n\nopenmldb_ops.py: error: %v\n", err)
		return 2
	}
	manage := slices.Contains(manageOps, t.cmd)
	if !manage && !slices.Contains(queryOps, t.cmd) {
		fmt.Fprintf(p.Stdout, "unsupported cmd: %s\n", t.cmd)
		fmt.Fprintf(p.Stdout, "available cmds: ['%s']\n", strings.Join(append(slices.Clone(manageOps), queryOps...), "', '"))
		return 0
	}
	if !t.connect() {
		t.errorf("connect OpenMLDB failed, get ns failed")
		return 0
	}
	if manage && !p.Record("openmldb_ops.py", args) {
		return 1
	}
	var err error
	if manage {
		err = t.manage()
	} else {
		err = t.query()
	}
	var raised *exception
	if errors.As(err, &raised) {
		fmt.Fprintf(p.Stderr, "Traceback (most recent call last):\n  File \"%s\", line 1, in <module>\n%v\n", p.Path, raised)
		return 1
	}
	return 0
}

func (t *opsTool) parse(args []string) error {
	set := flag.NewFlagSet("openmldb_ops.py", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&t.bin, "openmldb_bin_path", "", "")
	set.StringVar(&t.zk, "zk_cluster", "", "")
	set.StringVar(&t.root, "zk_root_path", "", "")
	set.StringVar(&t.cmd, "cmd", "None", "")
	set.StringVar(&t.endpoints, "endpoints", "", "")
	set.StringVar(&t.statfile, "statfile", ".stat", "")
	set.BoolVar(&t.singleReplica, "allow_single_replica", false, "")
	set.StringVar(&t.db, "db", "", "")
	set.StringVar(&t.filter, "filter", "", "")
	if err := set.Parse(args); err != nil {
		return err
	}
	set.Visit(func(f *flag.Flag) {
		t.hasEndpoints = t.hasEndpoints || f.Name == "endpoints"
		t.hasFilter = t.hasFilter || f.Name == "filter"
	})
	return nil
}

func (t *opsTool) infof(format string, args ...any)  { t.logf("INFO", format, args...) }
func (t *opsTool) warnf(format string, args ...any)  { t.logf("WARNING", format, args...) }
func (t *opsTool) errorf(format string, args ...any) { t.logf("ERROR", format, args...) }

func (t *opsTool) logf(level, format string, args ...any) {
	fmt.Fprintf(t.Stderr, level+": "+format+"\n", args...)
}

// fail logs an error and ends what is being done.
func (t *opsTool) fail(format string, args ...any) error {
	t.errorf(format, args...)
	return errStatus
}

// connect finds the leader nameserver with the binary it was given.
func (t *opsTool) connect() bool {
	if info, err := os.Stat(t.bin); err != nil || info.IsDir() {
		return false
	}
	leader, err := findLeader(t.zk, t.root)
	if err != nil {
		return false
	}
	t.leader = leader
	for _, cmd := range []string{"showns", "showtablet"} {
		if a := t.ns("", cmd); a.Header == nil {
			return false
		}
	}
	t.infof("ns leader: %s", leader)
	return true
}

// ns runs a command of the ns_client, whose exit code says nothing: a nameserver
// that doesn't answer is text without a table. Commands but the polls are echoed,
// with what they say; long listings are not.
func (t *opsTool) ns(db string, words ...string) answer {
	a, err := askServer(t.leader, request{Words: words, DB: db})
	if err != nil {
		a = say("failed to %s. error msg: %v", words[0], err)
	}
	switch words[0] {
	case "showopstatus":
	case "showtable", "showdb":
		fmt.Fprintln(t.Stderr, strings.TrimSpace(strings.Join(words, " ")))
	default:
		fmt.Fprintln(t.Stderr, strings.Join(words, " "))
		show(t.Stderr, a, writeDashed)
	}
	return a
}

// manage wraps the commands that change something: auto_failover is off
// meanwhile, and stays off after an exception.
func (t *opsTool) manage() error {
	before := t.ns("", "confget", "auto_failover")
	if before.Header == nil {
		return t.fail("get failover failed")
	}
	on := before.Rows[0][1] == "true"
	if on {
		t.ns("", "confset", "auto_failover", "false")
	}
	if err := t.run(); err != nil && !errors.Is(err, errStatus) {
		return err
	}
	if on {
		t.ns("", "confset", "auto_failover", "true")
	}
	return nil
}

func (t *opsTool) run() error {
	switch t.cmd {
	case "recoverdata":
		return t.recoverData()
	case "scalein", "scaleout":
		return t.fail("%s is not simulated", t.cmd)
	}
	if !t.hasEndpoints {
		t.warnf("must provide --endpoints")
		return &exception{"AttributeError", "'NoneType' object has no attribute 'split'"}
	}
	endpoints := strings.Split(t.endpoints, ",")
	if len(endpoints) != 1 {
		t.warnf("must provide --endpoints with only one endpoint")
	}
	if t.cmd == "pre-upgrade" {
		return t.preUpgrade(endpoints[0])
	}
	return t.postUpgrade(endpoints[0])
}

func (t *opsTool) query() error {
	if t.cmd == "showtablestatus" {
		return t.showTableStatus()
	}
	rows, err := t.opStatus(t.db, t.filter, false)
	if err != nil {
		return err
	}
	writeFramed(t.Stdout, answer{Header: []string{
		"db", "op_id", "op_type", "name", "pid", "status", "start_time", "execute_time", "end_time", "cur_task", "for_replica_cluster",
	}, Rows: rows})
	return nil
}

// showTableStatus reads the SQL client's output by blanks: a row whose warning
// has several words is dropped, and the word "failed" anywhere ends the listing.
func (t *opsTool) showTableStatus() error {
	pattern := "%"
	if t.hasFilter {
		pattern = t.filter
	}
	a, err := askOnce(t.zk, request{Kind: "sql", SQL: "show table status like '" + pattern + "'"})
	if err != nil {
		a = say("Error: %v", err)
	}
	var text strings.Builder
	show(&text, a, writeGroups)
	if strings.Contains(text.String(), "failed") || a.Header == nil {
		fmt.Fprint(t.Stdout, text.String())
		return nil
	}
	kept := answer{Header: a.Header}
	for _, row := range a.Rows {
		words := strings.Fields(strings.Join(row, " "))
		if len(words) == len(a.Header)-1 {
			words = append(words, "") // no warning
		}
		if len(words) == len(a.Header) {
			kept.Rows = append(kept.Rows, words)
		}
	}
	writeFramed(t.Stdout, kept)
	return nil
}

// databases are the internal ones and those that showdb lists.
func (t *opsTool) databases() []string {
	dbs := slices.Clone(internalDBs)
	for _, r := range t.ns("", "showdb").Rows {
		dbs = append(dbs, r[1])
	}
	return dbs
}

// opStatus lists operations by database; with wait it first waits, for ever if
// need be, until none is open.
func (t *opsTool) opStatus(db, filter string, wait bool) ([][]string, error) {
	dbs := []string{db}
	if db == "" {
		dbs = t.databases()
	}
	var out [][]string
	for _, db := range dbs {
		for {
			a := t.ns(db, "showopstatus")
			open := ""
			for _, r := range a.Rows {
				if r[4] == doing || r[4] == inited {
					open = strings.Join(r, " ")
					break
				}
			}
			if wait && open != "" {
				t.infof("waiting %s", open)
				t.Sleep(pollOps)
				continue
			}
			for _, r := range a.Rows {
				if filter == "" || r[4] == filter {
					out = append(out, append([]string{db}, r...))
				}
			}
			break
		}
	}
	return out, nil
}

// waitOp waits, without a limit, for the last operation of a partition.
func (t *opsTool) waitOp(db, name, pid string) error {
	for {
		a := t.ns(db, "showopstatus", name, pid)
		if len(a.Rows) == 0 {
			return &exception{"IndexError", "list index out of range"}
		}
		last := a.Rows[len(a.Rows)-1]
		switch last[4] {
		case doing, inited:
			t.infof("waiting %s", strings.Join(last, " "))
			t.Sleep(pollOps)
		case failed:
			return t.fail("job %s execute failed", last[0])
		default:
			return nil
		}
	}
}

// do runs a command that makes an operation, and waits for it.
func (t *opsTool) do(good, db, verb, name, pid, endpoint string) error {
	a := t.ns(db, verb, name, pid, endpoint)
	if !strings.Contains(a.Text, good) {
		return errStatus
	}
	return t.waitOp(db, name, pid)
}
