package site

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"stepgate/runbook/text"
)

// FaultKind is something that can go wrong on a simulated host.
type FaultKind struct {
	What, Value string
	Means       string // what happens then, as a clause
	// On are the groups with the hosts that it makes sense on; empty: any host.
	On []string
}

// Fault is one fault that is switched on.
type Fault struct {
	Host  string `json:"host"`
	Verb  string `json:"verb"`
	Value string `json:"value"`
}

// BadFaultError is of a fault that there isn't, or not there.
type BadFaultError struct{ Spec, Why string }

func (e *BadFaultError) Error() string { return fmt.Sprintf("set fault %q: %s", e.Spec, e.Why) }

// String is the fault as it is set, HOST:VERB=VALUE.
func (f Fault) String() string { return f.Host + ":" + f.Verb + "=" + f.Value }

// SetFault switches one of the faults that there are on or, with an empty value,
// off. It takes effect with the next command, or at once where a fault is of what
// runs.
func (s *Site) SetFault(kinds []FaultKind, spec string) error {
	f, err := s.parseFault(kinds, spec)
	if err != nil {
		return err
	}
	path := s.faultPath(f.Host, f.Verb)
	if f.Value == "" {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clear fault %q: %w", spec, err)
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("set fault %q: %w", spec, err)
	}
	return Replace(path, []byte(f.Value), 0o600)
}

func (s *Site) parseFault(kinds []FaultKind, spec string) (Fault, error) {
	place, value, hasValue := strings.Cut(spec, "=")
	host, verb, hasVerb := strings.Cut(place, ":")
	bad := func(why, hint string) (Fault, error) {
		return Fault{}, text.WithHint(&BadFaultError{spec, why}, hint)
	}
	if !hasValue || !hasVerb {
		return bad("not of the form HOST:WHAT=VALUE", "For example tablet-2:start=fail, and tablet-2:start= to clear it.")
	}
	h := s.Host(host)
	if h == nil {
		var names []string
		for _, h := range s.Hosts {
			names = append(names, h.Name)
		}
		return bad(fmt.Sprintf("no host %q", host), "The hosts are "+strings.Join(names, ", ")+".")
	}
	var verbs, values []string
	for _, k := range kinds {
		if !slices.Contains(verbs, k.What) {
			verbs = append(verbs, k.What)
		}
		if k.What != verb {
			continue
		}
		values = append(values, k.Value)
		if k.Value == value && len(k.On) > 0 && !slices.ContainsFunc(k.On, func(g string) bool { return slices.Contains(h.Groups, g) }) {
			return bad(fmt.Sprintf("%s=%s has no meaning on %q", verb, value, host), "It is for hosts of "+strings.Join(k.On, ", ")+".")
		}
	}
	if values == nil {
		sort.Strings(verbs)
		return bad(fmt.Sprintf("no fault %q", verb), "The faults are "+strings.Join(verbs, ", ")+".")
	}
	if value != "" && !slices.Contains(values, value) {
		return bad(fmt.Sprintf("%q can't be %q", verb, value), "It can be "+strings.Join(values, " or ")+", or empty to clear it.")
	}
	return Fault{host, verb, value}, nil
}

// Fault returns what a fault is set to, or "". A fault that can't be read is off.
func (s *Site) Fault(host, verb string) string {
	data, err := os.ReadFile(s.faultPath(host, verb))
	if err != nil {
		return ""
	}
	return string(data)
}

// FaultsChanged is when a fault of the host was last switched on or off, to the
// clock of the file system; the zero time: never.
func (s *Site) FaultsChanged(host string) time.Time {
	info, err := os.Stat(filepath.Join(s.Dir, "faults", host))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Faults lists what is switched on.
func (s *Site) Faults() ([]Fault, error) {
	var out []Fault
	for _, h := range s.Hosts {
		entries, err := os.ReadDir(filepath.Join(s.Dir, "faults", h.Name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list faults: %w", err)
		}
		for _, e := range entries {
			if v := s.Fault(h.Name, e.Name()); v != "" && !strings.HasPrefix(e.Name(), ".") {
				out = append(out, Fault{h.Name, e.Name(), v})
			}
		}
	}
	return out, nil
}

func (s *Site) faultPath(host, verb string) string {
	return filepath.Join(s.Dir, "faults", host, verb)
}
