package openmldb

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"stepgate/lab/site"
)

// Partition states as a tablet reports them. A partition that isn't loaded has
// none.
const (
	normal  = "kTableNormal"
	loading = "kTableLoading"
)

// internalDBs are hidden from showdb but not from LIKE '%'.
var internalDBs = []string{"__INTERNAL_DB", "__PRE_AGG_DB", "INFORMATION_SCHEMA"}

// state is what a reboot of all hosts leaves behind.
type state struct {
	AutoFailover bool               `json:"auto_failover"`
	Tables       []*table           `json:"tables"`
	Tablets      map[string]*tablet `json:"tablets"` // by endpoint
	Ops          []*op              `json:"ops"`
	Jobs         []*job             `json:"jobs,omitempty"`
	Applied      map[string]string  `json:"applied,omitempty"` // faults that acted, by HOST:WHAT
	Counted      time.Time          `json:"counted"`           // rows are counted up to here
}

type table struct {
	DB         string       `json:"db"`
	Name       string       `json:"name"`
	ID         int          `json:"id"`
	Replicas   int          `json:"replicas"`
	Rate       float64      `json:"rate"` // rows written per second and partition
	Partitions []*partition `json:"partitions"`
}

type partition struct {
	ID       int        `json:"id"`
	Rows     float64    `json:"rows"`
	Replicas []*replica `json:"replicas"`
}

type replica struct {
	Endpoint string `json:"endpoint"`
	Leader   bool   `json:"leader"`
	Alive    bool   `json:"alive"`           // as the nameserver has it
	State    string `json:"state"`           // as the tablet has it
	Asked    bool   `json:"asked,omitempty"` // the tablet was told to load it, and does
}

// tablet is what the nameserver knows of a tablet.
type tablet struct {
	Host    string    `json:"host"`
	Healthy bool      `json:"healthy"`
	Since   time.Time `json:"since"`
}

func (p *partition) leader() *replica {
	for _, r := range p.Replicas {
		if r.Leader {
			return r
		}
	}
	return nil
}

func (p *partition) on(endpoint string) *replica {
	for _, r := range p.Replicas {
		if r.Endpoint == endpoint {
			return r
		}
	}
	return nil
}

// fresh is the state of a new cluster: two databases and the system tables,
// spread evenly.
func fresh(hosts map[string]string, endpoints []string, now time.Time) *state {
	s := &state{AutoFailover: true, Tablets: map[string]*tablet{}, Counted: now}
	for _, ep := range endpoints {
		s.Tablets[ep] = &tablet{Host: hosts[ep], Since: now}
	}
	id, turn := 0, 0
	add := func(db, name string, partitions, replicas int, rows, rate float64) {
		id++
		t := &table{DB: db, Name: name, ID: id, Replicas: min(replicas, len(endpoints)), Rate: rate}
		for pid := range partitions {
			p := &partition{ID: pid, Rows: rows / float64(partitions)}
			for i := range t.Replicas {
				p.Replicas = append(p.Replicas, &replica{
					Endpoint: endpoints[(turn+i)%len(endpoints)], Leader: i == 0, Alive: true,
				})
			}
			turn++
			t.Partitions = append(t.Partitions, p)
		}
		s.Tables = append(s.Tables, t)
	}
	add("__INTERNAL_DB", "JOB_INFO", 1, 2, 0, 0)
	add("INFORMATION_SCHEMA", "GLOBAL_VARIABLES", 1, 2, 4, 0)
	add("features", "events", 4, 3, 48211, 2)
	add("features", "users", 2, 3, 10480, 0)
	add("risk", "profiles", 2, 2, 2316, 0)
	// What failed long ago stays in the list for ever.
	day := now.Add(-75 * time.Hour)
	s.Ops = []*op{{
		ID: 1, Type: reAddReplicaOp, DB: "features", Name: "users", PID: 1, Target: endpoints[len(endpoints)-1],
		Status: failed, Task: "-", Start: day, End: day.Add(42 * time.Second),
	}}
	s.Jobs = []*job{{
		ID: 1, Type: "ImportOfflineData", State: jobFinished, Start: day, End: day.Add(3 * time.Minute),
		File: "/tmp/sql-4871923064157713420", Master: "local[*]",
	}}
	return s
}

func loadState(path string) (*state, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load cluster: %w", err)
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("load cluster %q: %w", path, err)
	}
	return &s, nil
}

func (s *state) save(path string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("save cluster: %w", err)
	}
	return site.Replace(path, data, 0o600)
}

func (s *state) find(db, name string, pid string) (*table, *partition) {
	for _, t := range s.Tables {
		if t.Name != name || (db != "" && t.DB != db) {
			continue
		}
		for _, p := range t.Partitions {
			if strconv.Itoa(p.ID) == pid {
				return t, p
			}
		}
	}
	return nil, nil
}
