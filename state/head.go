package state

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const runsDir = "runs"

// head is a run's last event. It is kept beside the database too, so that a
// database put back from an earlier time, or one that has lost its log, shows.
type head struct {
	seq  uint64
	hash [32]byte
}

const headFormat = "stepgate-head-1 %d %s\n"

func (s *Store) headPath(runID string) string {
	return filepath.Join(s.dir, runsDir, runID+".head")
}

// writeHead replaces the run's head file. It isn't synced: it may fall behind
// the journal and must never be ahead of it.
func (s *Store) writeHead(runID string, h head) (err error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, runsDir), runID+".head.*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = fmt.Fprintf(f, headFormat, h.seq, hex.EncodeToString(h.hash[:]))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), s.headPath(runID))
}

// readHead returns the head kept beside the database; false when there is none
// that can be read, as after a power cut.
func (s *Store) readHead(runID string) (h head, ok bool, err error) {
	b, err := os.ReadFile(s.headPath(runID))
	if errors.Is(err, fs.ErrNotExist) {
		return head{}, false, nil
	}
	if err != nil {
		return head{}, false, fmt.Errorf("read the head of run %q: %w", runID, err)
	}
	var sum string
	if _, err := fmt.Sscanf(strings.TrimSpace(string(b))+"\n", headFormat, &h.seq, &sum); err != nil {
		return head{}, false, nil //nolint:nilerr // a torn file says nothing against the journal
	}
	n, err := hex.Decode(h.hash[:], []byte(sum[:min(len(sum), 64)]))
	return h, err == nil && n == len(h.hash), nil
}

// against says what is wrong when the journal, whose event h.seq has the given
// hash, doesn't hold what this head remembers. last is the journal's last event.
func (h head) against(last uint64, hash []byte) string {
	switch {
	case h.seq > last:
		return fmt.Sprintf("the run had %d events, and the journal ends with event %d: "+
			"it was put back from an earlier time, or its -wal file was lost", h.seq, last)
	case string(hash) != string(h.hash[:]):
		return "the run's head file remembers another event under this number: the run was written anew"
	}
	return ""
}
