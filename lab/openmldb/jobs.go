package openmldb

import (
	"strconv"
	"strings"
	"time"
)

// States of an offline job as SHOW JOBS prints them.
const (
	jobSubmitted = "Submitted"
	jobRunning   = "RUNNING"
	jobFinished  = "FINISHED"
	jobFailed    = "FAILED"
	jobLost      = "LOST"
	jobKilled    = "KILLED"
)

// job is an offline job of the task manager.
type job struct {
	ID     int       `json:"id"`
	Type   string    `json:"type"`
	State  string    `json:"state"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end,omitzero"`
	File   string    `json:"file"`   // with its SQL, on the task manager's host
	Master string    `json:"master"` // spark.master
	Error  string    `json:"error,omitempty"`
	Server string    `json:"server"` // endpoint of the task manager that runs it
	Held   bool      `json:"held,omitempty"`
}

func (j *job) open() bool { return j.State == jobSubmitted || j.State == jobRunning }

var jobHeader = []string{
	"job_id", "job_type", "state", "start_time", "end_time", "parameter", "cluster", "application_id", "error",
	"db", "name", "pid", "cur_task", "component",
}

func (j *job) row() []string {
	return []string{
		strconv.Itoa(j.ID), j.Type, j.State, clock(j.Start), clock(j.End), j.File, j.Master, "", j.Error,
		"NULL", "NULL", "NULL", "NULL", "TaskManager",
	}
}

// clock is a time as the SQL client shows it; none is empty.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// addJob notes a job that a task manager takes on.
func (c *Cluster) addJob(kind, file, master, server string, now time.Time) *job {
	id := 1
	if n := len(c.state.Jobs); n > 0 {
		id = c.state.Jobs[n-1].ID + 1
	}
	j := &job{ID: id, Type: kind, State: jobSubmitted, Start: now, File: file, Master: master, Server: server}
	c.state.Jobs = append(c.state.Jobs, j)
	c.dirty = true
	return j
}

// jobCommand is what a task manager tells of its jobs: `new TYPE FILE MASTER`, or
// `is ID STATE ERROR`. The answer is the job's row.
func (c *Cluster) jobCommand(server string, words []string, now time.Time) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(now)
	defer c.advance(now)
	switch {
	case len(words) == 4 && words[0] == "new":
		return jobAnswer(c.addJob(words[1], words[2], words[3], server, now)), true
	case len(words) == 4 && words[0] == "is":
		j := c.job(words[1])
		if j == nil || !j.open() {
			return answer{}, false
		}
		j.State, j.Error, c.dirty = words[2], words[3], true
		if !j.open() {
			j.End = now
		}
		return jobAnswer(j), true
	}
	return answer{}, false
}

func jobAnswer(jobs ...*job) answer {
	a := answer{Header: jobHeader}
	for _, j := range jobs {
		a.Rows = append(a.Rows, j.row())
	}
	return a
}

func (c *Cluster) job(id string) *job {
	for _, j := range c.state.Jobs {
		if strconv.Itoa(j.ID) == id {
			return j
		}
	}
	return nil
}

// loseJobs is the end of a task manager: nobody hears of its jobs any more.
func (c *Cluster) loseJobs(server string, now time.Time) {
	for _, j := range c.state.Jobs {
		if j.open() && j.Server == server {
			j.State, j.End, c.dirty = jobLost, now, true
		}
	}
}

// taskManager is the active one's endpoint, or "".
func (c *Cluster) taskManager() string {
	for _, s := range c.sessions {
		if s.role == taskmanagerRole && s.lost.IsZero() {
			return s.endpoint
		}
	}
	return ""
}

const noTaskManager = "Error: [2001] %s--ReturnCode[1003]--Fail to get TaskManager client"

// showJobs answers SHOW JOBS, SHOW JOB id and STOP JOB id.
func (c *Cluster) showJobs(verb, id string, now time.Time) answer {
	if c.taskManager() == "" {
		return say(noTaskManager, "")
	}
	if id == "" {
		return jobAnswer(c.state.Jobs...)
	}
	j := c.job(id)
	switch {
	case j == nil:
		return say("Error: [2001] --ReturnCode[-1]--Fail to get job with id: %s", id)
	case strings.EqualFold(verb, "stop") && j.open():
		j.State, j.End, c.dirty = jobKilled, now, true
	}
	return jobAnswer(j)
}

// holdJob begins a job of somebody that runs until it is let go.
func (c *Cluster) holdJob(server string, now time.Time) {
	j := c.addJob("ImportOfflineData", "/tmp/sql-6911382744098563217", "local[*]", server, now)
	j.State, j.Held = jobRunning, true
}

func (c *Cluster) letJobsGo(now time.Time) {
	for _, j := range c.state.Jobs {
		if j.Held && j.open() {
			j.State, j.End, c.dirty = jobFinished, now, true
		}
	}
}
