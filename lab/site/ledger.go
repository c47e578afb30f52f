package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Entry is one act of a command on a simulated host.
type Entry struct {
	Time    time.Time `json:"time"`
	Host    string    `json:"host"`
	Program string    `json:"program"`
	Args    []string  `json:"args"`
	Attempt string    `json:"attempt,omitempty"` // STEPGATE_ATTEMPT of its environment
	Step    string    `json:"step,omitempty"`    // STEPGATE_STEP of its environment
}

func (s *Site) ledgerPath() string { return filepath.Join(s.Dir, "ledger") }

// Record appends an entry, durably, before the act.
func (s *Site) Record(host, program string, args []string) error {
	line, err := json.Marshal(Entry{
		Time: time.Now().UTC(), Host: host, Program: program, Args: args,
		Attempt: os.Getenv("STEPGATE_ATTEMPT"), Step: os.Getenv("STEPGATE_STEP"),
	})
	if err != nil {
		return fmt.Errorf("record %q: %w", program, err)
	}
	f, err := os.OpenFile(s.ledgerPath(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("record %q: %w", program, err)
	}
	_, err = f.Write(append(line, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("record %q: %w", program, err)
	}
	return nil
}

// Ledger reads all entries, oldest first. A last line that was cut off by the
// death of its writer is left out: its act didn't happen.
func (s *Site) Ledger() ([]Entry, error) { return ReadLedger(s.ledgerPath()) }

// ReadLedger reads the ledger in a file, as [Site.Ledger] does; one that isn't there
// is empty.
func ReadLedger(path string) ([]Entry, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	var out []Entry
	for n := 1; ; n++ {
		line, rest, whole := bytes.Cut(data, []byte{'\n'})
		if !whole {
			return out, nil
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("read ledger: line %d: %w", n, err)
		}
		out = append(out, e)
		data = rest
	}
}
