package state

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stepgate/cmd/torture/tally"
)

// inode is a file as a disk has it: what was synced, and what may be on it or
// not.
type inode struct {
	durable []byte
	pending []change
}

// change is bytes written, or a new length where data is nil.
type change struct {
	at   int64
	data []byte
}

func (c change) apply(b []byte) []byte {
	end := c.at + int64(len(c.data))
	if c.data == nil && int64(len(b)) > end {
		return b[:end]
	}
	if int64(len(b)) < end {
		b = append(b, make([]byte, end-int64(len(b)))...)
	}
	copy(b[c.at:], c.data)
	return b
}

// torn leaves out some sectors of what was written.
func (c change) torn(random *rand.Rand) (parts []change) {
	const sector = 512
	for at := 0; at < len(c.data); at += sector {
		if random.IntN(2) == 0 {
			parts = append(parts, change{c.at + int64(at), c.data[at:min(at+sector, len(c.data))]})
		}
	}
	return parts
}

// after is what can be on the disk after a power loss: nothing of what wasn't
// synced, all, what came first, or any of it, in sectors.
func (n *inode) after(random *rand.Rand) []byte {
	b := bytes.Clone(n.durable)
	keep := n.pending
	how := random.IntN(4)
	switch how {
	case 0:
		keep = nil
	case 1:
		keep = keep[:random.IntN(len(keep)+1)]
	}
	for _, c := range keep {
		switch {
		case how != 2:
			b = c.apply(b)
		case random.IntN(3) == 0:
			for _, p := range c.torn(random) {
				b = p.apply(b)
			}
		case random.IntN(2) == 0:
			b = c.apply(b)
		}
	}
	return b
}

// entry is a name that was given to a file, or taken away where there is none.
type entry struct {
	path string
	file *inode
}

// machine is a file system that forgets what wasn't synced.
type machine struct {
	t       *testing.T
	root    string
	names   map[string]*inode // as a process sees them
	durable map[string]*inode
	pending map[string][]entry // by directory
	acked   []string
}

func newMachine(t *testing.T, root string) *machine {
	return &machine{t: t, root: root, names: map[string]*inode{}, durable: map[string]*inode{}, pending: map[string][]entry{}}
}

func (m *machine) name(path string, file *inode) {
	if file == nil {
		delete(m.names, path)
	} else {
		m.names[path] = file
	}
	m.pending[filepath.Dir(path)] = append(m.pending[filepath.Dir(path)], entry{path, file})
}

// see takes in what a call did.
func (m *machine) see(c call) {
	path := c.file()
	file := m.names[path]
	switch c.name {
	case "openat":
		path = c.texts(m.t)[0]
		if strings.Contains(c.args, "O_CREAT") && strings.HasPrefix(path, m.root) && m.names[path] == nil {
			m.name(path, &inode{})
		}
	case "pwrite64":
		if file != nil {
			file.pending = append(file.pending, change{c.number(m.t, 1), []byte(c.texts(m.t)[0])})
		}
	case "write":
		if file != nil { // only ever the first of a file
			file.pending = append(file.pending, change{0, []byte(c.texts(m.t)[0])})
		} else if ack, ok := strings.CutPrefix(c.texts(m.t)[0], "acked "); ok {
			m.acked = append(m.acked, strings.TrimSpace(ack[strings.Index(ack, " "):]))
		}
	case "ftruncate":
		if file != nil {
			file.pending = append(file.pending, change{c.number(m.t, 0), nil})
		}
	case "fsync", "fdatasync":
		if file == nil { // a directory
			for _, e := range m.pending[path] {
				m.settle(m.durable, e)
			}
			m.pending[path] = nil
			return
		}
		for _, p := range file.pending {
			file.durable = p.apply(file.durable)
		}
		file.pending = nil
	case "unlink", "unlinkat":
		if path = c.texts(m.t)[0]; m.names[path] != nil {
			m.name(path, nil)
		}
	case "rename", "renameat", "renameat2":
		names := c.texts(m.t)
		if file = m.names[names[0]]; file != nil {
			m.name(names[1], file)
			m.name(names[0], nil)
		}
	}
}

func (m *machine) settle(names map[string]*inode, e entry) {
	if e.file == nil {
		delete(names, e.path)
	} else {
		names[e.path] = e.file
	}
}

// lose writes what is on the disk after a power loss into dir.
func (m *machine) lose(random *rand.Rand, dir string) {
	names := maps.Clone(m.durable)
	for _, entries := range m.pending {
		for _, e := range entries[:random.IntN(len(entries)+1)] {
			m.settle(names, e)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, runsDir), 0o700); err != nil {
		m.t.Fatal(err)
	}
	chmod(m.t, dir, 0o700)
	for _, path := range slices.Sorted(maps.Keys(names)) {
		if strings.HasSuffix(path, "-shm") || strings.HasSuffix(path, ballastName) {
			continue // the index is made anew after a reboot; the ballast is only space
		}
		create(m.t, filepath.Join(dir, strings.TrimPrefix(path, m.root)), string(names[path].after(random)), 0o600)
	}
}

// The power fails at any point of a run, through checkpoints and the closing and
// opening of the journal. Of what wasn't synced any part can be on the disk.
func TestTortureT4(t *testing.T) {
	needStrace(t)
	t.Parallel()
	random := newRandom(t)
	root := filepath.Dir(newPath(t))
	log := filepath.Join(t.TempDir(), "trace")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := strace(log, "openat,pwrite64,write,ftruncate,fsync,fdatasync,unlink,unlinkat,rename,renameat,renameat2", "", exe, filepath.Join(root, "stepgate.db"))
	acked := spawnCmd(t, cmd, "traced").rest(t)
	calls := readTrace(t, log)
	var syncs int
	for _, c := range calls {
		if strings.HasSuffix(c.name, "sync") {
			syncs++
		}
	}
	t.Logf("%d calls, %d syncs, %d events acknowledged", len(calls), syncs, len(acked))
	if len(acked) < 37 || syncs < len(acked) {
		t.Fatalf("%d syncs, %q", syncs, acked)
	}
	images, lost := tally.Size(t, 100), 0
	points := make([]int, images)
	for i := range points {
		points[i] = random.IntN(len(calls) + 1)
	}
	slices.Sort(points)
	m := newMachine(t, root)
	next := 0
	for i, at := range points {
		for ; next < at; next++ {
			m.see(calls[next])
		}
		dir := filepath.Join(t.TempDir(), fmt.Sprint(i))
		m.lose(random, dir)
		if n := m.missing(dir); n > 0 {
			lost += n
			t.Errorf("power lost after call %d of %d: %d of %d events lost", at, len(calls), n, len(m.acked))
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	tally.Add(t, tally.Faults, images)
	tally.Add(t, tally.LostEvents, lost)
}

// missing opens what was left and counts the acknowledged events that aren't in
// it.
func (m *machine) missing(dir string) (lost int) {
	s, err := Open(ctx, filepath.Join(dir, "stepgate.db"), Options{Ballast: -1})
	if err != nil {
		m.t.Error(err)
		return len(m.acked)
	}
	defer s.Close()
	recs, err := s.Load(ctx, "r1")
	if len(m.acked) == 0 {
		return 0 // there may be no run yet
	}
	if err != nil {
		m.t.Error(err)
	}
	if v, err := s.Verify(ctx, "r1"); err != nil || !v.OK() {
		m.t.Errorf("%+v, %v", v.Problems, err)
	}
	if l, err := s.TakeLease(ctx, "r1", "li"); err != nil || l.Release() != nil {
		m.t.Errorf("it can't be gone on with: %v", err)
	}
	have := seqHash(recs)
	for _, a := range m.acked {
		if !slices.Contains(have, a) {
			lost++
		}
	}
	return lost
}
