package cluster

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"stepgate/lab/dolphindb/script"
	"stepgate/lab/site"
)

// store is a data node's disk, while the node runs.
type store struct {
	volumes string
	metaDir string
	meta    chunkMeta
	rows    map[string][]commit // by chunk
}

// chunkMeta is a data node's CHUNK_METADATA: which chunks it has, in which
// version. It alone decides the version; the rows are what lies in volumes.
type chunkMeta struct {
	Format   string         `json:"format"`
	Versions map[string]int `json:"versions"`
}

// commit is a line of a chunk's file: the rows of one transaction.
type commit struct {
	Version int              `json:"v"`
	Rows    [][]script.Value `json:"-"`
	Cells   [][]cell         `json:"rows"`
}

// cell is a value with its type, so that it is read as it was written.
type cell struct {
	Type  string          `json:"t,omitempty"`
	Value json.RawMessage `json:"v,omitempty"`
}

const chunkMetaFile = "CHUNK_METADATA"

// openStore reads a data node's disk. Nothing is looked at but its metadata: a
// chunk whose rows are gone is not missed.
func openStore(dirs map[string]string, version string) (*store, error) {
	s := &store{volumes: dirs["volumes"], metaDir: dirs["chunkMetaDir"], rows: map[string][]commit{}}
	if err := readJSON(s.metaPath(), &s.meta); err != nil {
		return nil, &Refused{"Failed to load chunk metadata: " + err.Error()}
	}
	if err := readable(chunkMetaFile, s.meta.Format, version); err != nil {
		return nil, err
	}
	s.meta.Format = version
	if s.meta.Versions == nil {
		s.meta.Versions = map[string]int{}
	}
	for id := range s.meta.Versions {
		commits, whole, err := readCommits(s.path(id))
		if err == nil && !whole {
			err = s.write(id, commits)
		}
		if err != nil {
			return nil, &Refused{"Failed to load chunk " + id + ": " + err.Error()}
		}
		s.rows[id] = commits
	}
	return s, s.save()
}

// metaPath is the file in the directory CHUNK_METADATA.
func (s *store) metaPath() string { return filepath.Join(s.metaDir, chunkMetaFile, "chunks.json") }

func (s *store) path(id string) string { return filepath.Join(s.volumes, "CHUNKS", id) }

func (s *store) save() error { return writeJSON(s.metaPath(), s.meta) }

// create adds an empty chunk.
func (s *store) create(id string, version int) error {
	if err := s.write(id, nil); err != nil {
		return err
	}
	s.meta.Versions[id] = version
	return s.save()
}

// add appends a transaction.
func (s *store) add(id string, version int, rows [][]script.Value) error {
	c := commit{Version: version, Rows: rows}
	line, err := c.line()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path(id)), 0o755); err != nil {
		return fmt.Errorf("write chunk: %w", err)
	}
	f, err := os.OpenFile(s.path(id), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("write chunk: %w", err)
	}
	_, err = f.Write(line)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write chunk: %w", err)
	}
	s.rows[id] = append(s.rows[id], c)
	s.meta.Versions[id] = version
	return s.save()
}

// copyFrom makes a chunk what it is in another store.
func (s *store) copyFrom(o *store, id string) error {
	if err := s.write(id, o.visible(id)); err != nil {
		return err
	}
	s.meta.Versions[id] = o.meta.Versions[id]
	return s.save()
}

// rewind undoes what is newer than version.
func (s *store) rewind(id string, version int) error {
	s.meta.Versions[id] = version
	if err := s.write(id, s.visible(id)); err != nil {
		return err
	}
	return s.save()
}

// beyond says whether there are rows that the chunk's version doesn't cover: its
// metadata is older than its rows.
func (s *store) beyond(id string) bool { return len(s.visible(id)) < len(s.rows[id]) }

func (s *store) write(id string, commits []commit) error {
	var b bytes.Buffer
	for _, c := range commits {
		line, err := c.line()
		if err != nil {
			return err
		}
		b.Write(line)
	}
	if err := os.MkdirAll(filepath.Dir(s.path(id)), 0o755); err != nil {
		return fmt.Errorf("write chunk: %w", err)
	}
	if err := site.Replace(s.path(id), b.Bytes(), 0o644); err != nil {
		return err
	}
	s.rows[id] = append([]commit(nil), commits...)
	return nil
}

func (s *store) drop(id string) error {
	delete(s.meta.Versions, id)
	delete(s.rows, id)
	if err := os.Remove(s.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("drop chunk: %w", err)
	}
	return s.save()
}

// visible are the transactions that the chunk's version covers.
func (s *store) visible(id string) []commit {
	var out []commit
	for _, c := range s.rows[id] {
		if c.Version <= s.meta.Versions[id] {
			out = append(out, c)
		}
	}
	return out
}

// readCommits leaves out a last line that was cut off by the death of its writer:
// it was not committed, and the file isn't whole then.
func readCommits(path string) (out []commit, whole bool, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	end := bytes.LastIndexByte(data, '\n') + 1
	whole = end == len(data)
	lines := bufio.NewScanner(bytes.NewReader(data[:end]))
	lines.Buffer(nil, len(data)+1)
	for lines.Scan() {
		var c commit
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, false, fmt.Errorf("line %d: %w", len(out)+1, err)
		}
		for _, cells := range c.Cells {
			row := make([]script.Value, len(cells))
			for i, x := range cells {
				if row[i], err = x.value(); err != nil {
					return nil, false, fmt.Errorf("line %d: %w", len(out)+1, err)
				}
			}
			c.Rows = append(c.Rows, row)
		}
		c.Cells = nil
		out = append(out, c)
	}
	return out, whole, lines.Err()
}

func (c commit) line() ([]byte, error) {
	c.Cells = make([][]cell, len(c.Rows))
	for i, row := range c.Rows {
		c.Cells[i] = make([]cell, len(row))
		for j, v := range row {
			x, err := cellOf(v)
			if err != nil {
				return nil, err
			}
			c.Cells[i][j] = x
		}
	}
	data, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write chunk: %w", err)
	}
	return append(data, '\n'), nil
}

// Types of cells; that of a string, a number with a point, a truth value and
// NULL goes without saying.
const (
	longCell      = "l"
	timestampCell = "ts"
	dateCell      = "d"
	datetimeCell  = "dt"
	nanoCell      = "ns"
)

func cellOf(v script.Value) (cell, error) {
	typ := ""
	switch x := v.(type) {
	case nil:
		return cell{}, nil
	case bool, string, float64:
	case int64:
		typ = longCell
	case time.Time:
		typ = timestampCell
	case script.Date:
		typ, v = dateCell, x.Time
	case script.Datetime:
		typ, v = datetimeCell, x.Time
	case script.Nanotimestamp:
		typ, v = nanoCell, x.Time
	default:
		return cell{}, fmt.Errorf("a %T can't be stored", v)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return cell{}, fmt.Errorf("write chunk: %w", err)
	}
	return cell{typ, data}, nil
}

func (x cell) value() (script.Value, error) {
	if x.Value == nil {
		return nil, nil
	}
	var t time.Time
	var err error
	switch x.Type {
	case "":
		var v any
		err = json.Unmarshal(x.Value, &v)
		return v, err
	case longCell:
		var n int64
		err = json.Unmarshal(x.Value, &n)
		return n, err
	case timestampCell, dateCell, datetimeCell, nanoCell:
		err = json.Unmarshal(x.Value, &t)
	default:
		err = fmt.Errorf("no type %q", x.Type)
	}
	switch x.Type {
	case dateCell:
		return script.Date{Time: t}, err
	case datetimeCell:
		return script.Datetime{Time: t}, err
	case nanoCell:
		return script.Nanotimestamp{Time: t}, err
	}
	return t, err
}
