package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"stepgate/lab/site"
)

// catalogue is what the controllers agree on. Each has a copy in its dfsMeta.
type catalogue struct {
	Format  string      `json:"format"` // the version of its writer
	Term    int         `json:"term"`   // of the last entry
	Index   int         `json:"index"`  // how many entries there are
	LastCID int         `json:"last_cid"`
	DBs     []*database `json:"dbs"`
	Chunks  []*chunk    `json:"chunks"`
}

type database struct {
	Path   string   `json:"path"` // dfs://stock
	Kind   string   `json:"kind"` // VALUE or RANGE
	Values []string `json:"values"`
	Engine string   `json:"engine"`
	Tables []*table `json:"tables"`
}

type table struct {
	Name      string   `json:"name"`
	Tag       string   `json:"tag"` // the last part of its chunks' paths
	Cols      []string `json:"cols"`
	Types     []string `json:"types"`
	Partition string   `json:"partition"` // the column by which it is cut
	Sort      []string `json:"sort,omitempty"`
}

// chunk is a partition of a table, or a file that describes a database or table.
type chunk struct {
	ID       string    `json:"id"`
	Path     string    `json:"path"`
	Size     int       `json:"size,omitempty"` // of a file
	DB       string    `json:"db"`
	Table    string    `json:"table,omitempty"`
	Value    string    `json:"value,omitempty"`
	Version  int       `json:"version"`
	Chain    []link    `json:"chain"` // the newest first, a few of them
	Replicas []string  `json:"replicas"`
	Updated  time.Time `json:"updated"`
}

// link of a version chain.
type link struct {
	CID, Size, Version, SID int
}

const chainLength = 3

func (c *chunk) tablet() bool { return c.Value != "" }

// clone is a copy for another controller.
func (c *catalogue) clone() *catalogue {
	data, err := json.Marshal(c)
	out := &catalogue{}
	if err == nil {
		err = json.Unmarshal(data, out)
	}
	if err != nil {
		panic(fmt.Sprintf("a catalogue that can't be written: %v", err)) // plain data
	}
	return out
}

// newer says whether c's log is ahead of o's.
func (c *catalogue) newer(o *catalogue) bool {
	return c.Term > o.Term || c.Term == o.Term && c.Index > o.Index
}

func (c *catalogue) level(o *catalogue) bool { return c.Term == o.Term && c.Index == o.Index }

func (c *catalogue) db(path string) *database {
	for _, d := range c.DBs {
		if d.Path == path {
			return d
		}
	}
	return nil
}

func (d *database) table(name string) *table {
	if d == nil {
		return nil
	}
	for _, t := range d.Tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

func (c *catalogue) chunk(id string) *chunk {
	for _, k := range c.Chunks {
		if k.ID == id {
			return k
		}
	}
	return nil
}

// chunksOf are a table's partitions in their order.
func (c *catalogue) chunksOf(db, name string) []*chunk {
	var out []*chunk
	for _, k := range c.Chunks {
		if k.DB == db && k.Table == name && k.tablet() {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b *chunk) int { return strings.Compare(a.Value, b.Value) })
	return out
}

// advance makes the next version of a chunk.
func (c *catalogue) advance(k *chunk, size int, now time.Time) {
	c.LastCID++
	k.Version++
	k.Updated = now
	k.Chain = append([]link{{c.LastCID, size, k.Version, 1000 + c.LastCID}}, k.Chain...)
	k.Chain = k.Chain[:min(len(k.Chain), chainLength)]
}

const catalogueFile = "DFSMasterMeta.json"

// readCatalogue reads a controller's copy; an empty directory holds an empty one.
func readCatalogue(dir string) (*catalogue, error) {
	c := &catalogue{}
	return c, readJSON(filepath.Join(dir, catalogueFile), c)
}

func (c *catalogue) save(dir string) error { return writeJSON(filepath.Join(dir, catalogueFile), c) }

// raftState is what a controller's raft directory holds.
type raftState struct {
	Format string   `json:"format"`
	Term   int      `json:"term"`
	Nodes  []string `json:"nodes"` // the node list as the group keeps it
}

const raftFile = "raftState.json"

func readRaft(dir string) (*raftState, error) {
	r := &raftState{}
	return r, readJSON(filepath.Join(dir, raftFile), r)
}

func (r *raftState) save(dir string) error { return writeJSON(filepath.Join(dir, raftFile), r) }

// readJSON leaves v alone when there is no file.
func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read metadata: %w", err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("read metadata %q: %w", path, err)
	}
	return nil
}

func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write metadata %q: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write metadata: %w", err)
	}
	return site.Replace(path, append(data, '\n'), 0o644)
}

// olderThan compares the numbers of two versions; what stands behind a blank is
// the day of the build.
func olderThan(a, b string) bool {
	x, y := versionNumbers(a), versionNumbers(b)
	return slices.Compare(x, y) < 0
}

func versionNumbers(v string) []int {
	v, _, _ = strings.Cut(v, " ")
	var out []int
	for _, part := range strings.Split(v, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return out
		}
		out = append(out, n)
	}
	return out
}

// readable refuses metadata of a newer version.
func readable(what, format, version string) error {
	if format == "" || !olderThan(version, format) {
		return nil
	}
	number, _, _ := strings.Cut(format, " ")
	return &Refused{fmt.Sprintf("Failed to load %s: it was written by version %s, which this version can't read.", what, number)}
}
