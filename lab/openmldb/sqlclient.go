package openmldb

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// sqlSession is one run of the SQL client. Its variables are those of the
// original, with their defaults.
type sqlSession struct {
	*program
	flags   clientFlags
	offline bool
	sync    bool
	timeout time.Duration
}

var (
	setPattern     = regexp.MustCompile(`(?i)^set\s+(?:@@(?:session\.)?|session\s+)?(execute_mode|sync_job|job_timeout|enable_trace)\s*=\s*['"]?([a-z0-9]+)['"]?$`)
	usePattern     = regexp.MustCompile(`(?i)^use\s+([A-Za-z0-9_]+)$`)
	queryPattern   = regexp.MustCompile(`(?i)^(?:select|load\s+data)\s`)
	insertPattern  = regexp.MustCompile(`(?i)^insert\s`)
	stopPattern    = regexp.MustCompile(`(?i)^stop\s+job\s`)
	literalPattern = regexp.MustCompile(`(?i)^select\s+(\d+)$`)
)

// sqlClient exits 0 whatever happens, as the original does.
func sqlClient(p *program, f clientFlags) int {
	if f.zk == "" {
		fmt.Fprintln(p.Stdout, "Error: not set zk_cluster")
		return 0
	}
	s := &sqlSession{program: p, flags: f, offline: true, timeout: 20 * time.Second}
	for _, statement := range strings.Split(strings.Join(commands(p, f), "\n"), ";") {
		if statement = strings.TrimSpace(statement); statement == "" {
			continue
		}
		if !s.run(statement) {
			return 1
		}
	}
	return 0
}

// run says whether the lab can go on.
func (s *sqlSession) run(statement string) bool {
	if m := setPattern.FindStringSubmatch(statement); m != nil {
		s.set(strings.ToLower(m[1]), strings.ToLower(m[2]))
		return true
	}
	if m := usePattern.FindStringSubmatch(statement); m != nil {
		s.flags.database = m[1]
		return true
	}
	if _, err := findLeader(s.flags.zk, s.flags.root); err != nil {
		fmt.Fprintf(s.Stdout, "Error: init failed: %v\n", err)
		return true
	}
	switch {
	case s.offline && insertPattern.MatchString(statement):
		fmt.Fprintln(s.Stdout, "Error: Can not insert in offline mode, please set @@SESSION.execute_mode='online'")
		return true
	case s.offline && queryPattern.MatchString(statement):
		return s.runOffline(statement)
	case stopPattern.MatchString(statement) && !s.Record("openmldb", strings.Fields(statement)):
		return false
	}
	s.ask(statement)
	return true
}

func (s *sqlSession) set(name, value string) {
	switch name {
	case "execute_mode":
		if value != "offline" && value != "online" {
			fmt.Fprintf(s.Stdout, "Error: Fail to set execute_mode, only support offline or online, but get %s\n", value)
			return
		}
		s.offline = value == "offline"
	case "sync_job":
		s.sync = value == "true"
	case "job_timeout":
		ms, err := strconv.Atoi(value)
		if err != nil {
			fmt.Fprintln(s.Stdout, "Error: Fail to parse value, can't set the job timeout")
			return
		}
		s.timeout = time.Duration(ms) * time.Millisecond
	}
}

func (s *sqlSession) query(statement string) (answer, error) {
	if s.flags.database != "" {
		statement = qualified(statement, s.flags.database)
	}
	return askOnce(s.flags.zk, request{Kind: "sql", SQL: statement})
}

func (s *sqlSession) ask(statement string) {
	a, err := s.query(statement)
	if err != nil {
		fmt.Fprintf(s.Stdout, "Error: %v\n", err)
		return
	}
	show(s.Stdout, a, writeGroups)
}

// runOffline hands a statement to the task manager. A job that isn't waited for is
// shown as it was taken on.
func (s *sqlSession) runOffline(statement string) bool {
	if !s.Record("openmldb", strings.Fields(statement)) {
		return false
	}
	call := "async offline query failed"
	if s.sync {
		call = "sync offline query failed"
	}
	server, err := askOnce(s.flags.zk, request{Kind: "taskmanager"})
	if err != nil || server.Text == "" {
		fmt.Fprintf(s.Stdout, noTaskManager+"\n", call)
		return true
	}
	a, err := askServer(server.Text, request{SQL: statement})
	if err != nil {
		fmt.Fprintf(s.Stdout, "Error: [2001] %s--ReturnCode[1004]--%v\n", call, err)
		return true
	}
	if !s.sync {
		show(s.Stdout, a, writeGroups)
		return true
	}
	s.await(a.Rows[0][0], statement, call)
	return true
}

// await waits for a job. A query's result is shown, of other jobs the row.
func (s *sqlSession) await(id, statement, call string) {
	// The client of the original waits half an hour for a synchronous job, or as long
	// as it is told.
	for deadline := time.Now().Add(s.Site.Scaled(max(s.timeout, 30*time.Minute))); ; {
		a, err := s.query("show job " + id)
		if err != nil || len(a.Rows) != 1 {
			fmt.Fprintf(s.Stdout, "Error: [2001] %s--ReturnCode[1004]--%s%v\n", call, a.Text, err)
			return
		}
		switch state := a.Rows[0][2]; {
		case state == jobFinished && jobType(statement) == "RunBatchAndShow":
			show(s.Stdout, batchResult(statement), writeGroups)
			return
		case state == jobFinished:
			show(s.Stdout, a, writeGroups)
			return
		case state != jobSubmitted && state != jobRunning:
			fmt.Fprintf(s.Stdout, "Error: [2001] %s--ReturnCode[-1]--job %s is %s: %s\n", call, id, state, a.Rows[0][8])
			return
		case time.Now().After(deadline):
			fmt.Fprintf(s.Stdout, "Error: [2001] %s--ReturnCode[-1]--timeout, job %s\n", call, id)
			return
		}
		time.Sleep(max(s.Site.Scaled(500*time.Millisecond), 20*time.Millisecond))
	}
}

// batchResult is what an offline query gives: a number that was asked for, or the
// one row that every offline table holds.
func batchResult(statement string) answer {
	if m := literalPattern.FindStringSubmatch(statement); m != nil {
		return answer{Header: []string{m[1]}, Rows: [][]string{{m[1]}}}
	}
	return answer{Header: []string{"id", "value"}, Rows: [][]string{{"1", "1.000000"}}}
}
