package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stepgate/runbook/text"
)

// fileName marks a directory as a lab.
const fileName = "lab.json"

// Site is a lab's layout. It is written once, when the lab is created.
type Site struct {
	Dir    string            `json:"dir"`
	System string            `json:"system"`
	Scene  string            `json:"scene,omitempty"` // where the system stands at the beginning; empty: the system's first
	Speed  float64           `json:"speed"`           // simulated waits are divided by it
	Idle   time.Duration     `json:"idle"`            // life without a connection
	Hosts  []Host            `json:"hosts"`
	Places []Place           `json:"places,omitempty"`
	Params map[string]string `json:"params"`
	Ports  map[string]int    `json:"ports"` // of services that belong to no host
}

// Host is one simulated host.
type Host struct {
	Name      string            `json:"name"`
	User      string            `json:"user"`
	Port      int               `json:"port"` // SSH, on 127.0.0.1
	MachineID string            `json:"machine_id"`
	Groups    []string          `json:"groups"`
	Vars      map[string]string `json:"vars"`
}

// Place is a further host of the inventory that lies on one of the simulated hosts:
// a directory to work in, say, of several on one machine.
type Place struct {
	Name   string            `json:"name"`
	On     string            `json:"on"` // name of the Host
	Groups []string          `json:"groups"`
	Vars   map[string]string `json:"vars"`
}

// Scene is where a simulated system stands when a lab begins, and what it is for.
type Scene struct {
	Name    string
	System  string
	Title   string // what there is, in a few words
	Runbook string // the shipped runbook that it rehearses, by its name
	// Only is the operating system, as in runtime.GOOS, that the scene needs; empty: any.
	Only string
}

// Load reads the lab in dir.
func Load(dir string) (*Site, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open lab %q: %w", dir, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, text.WithHint(fmt.Errorf("open lab %q: no lab there: %w", dir, err), "Create a new one: stepgate demo")
	}
	if err != nil {
		return nil, fmt.Errorf("open lab %q: %w", dir, err)
	}
	var s Site
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("open lab %q: read %q: %w", dir, fileName, err)
	}
	if s.Dir != dir || s.Speed <= 0 {
		return nil, fmt.Errorf("open lab %q: %q was made for %q", dir, fileName, s.Dir)
	}
	return &s, nil
}

// Save writes the layout; it makes the directory a lab.
func (s *Site) Save() error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("save lab %q: %w", s.Dir, err)
	}
	return Replace(filepath.Join(s.Dir, fileName), append(data, '\n'), 0o600)
}

// Replace writes a file whole, or not at all.
func Replace(path string, data []byte, mode fs.FileMode) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	defer func() {
		if err != nil {
			tmp.Close()
			_ = os.Remove(tmp.Name()) // best effort: the write has failed already
		}
	}()
	if _, err = tmp.Write(data); err == nil {
		err = tmp.Chmod(mode)
	}
	if err == nil {
		err = tmp.Close()
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	return nil
}

// Host returns the host of that name, or nil.
func (s *Site) Host(name string) *Host {
	for i := range s.Hosts {
		if s.Hosts[i].Name == name {
			return &s.Hosts[i]
		}
	}
	return nil
}

// Root is the directory that stands for the host's file system.
func (s *Site) Root(host string) string { return filepath.Join(s.Dir, "hosts", host) }

// Home is the login directory of the host's user.
func (s *Site) Home(h *Host) string { return filepath.Join(s.Root(h.Name), "home", h.User) }

// Binary is the lab's own copy of the program.
func (s *Site) Binary() string { return filepath.Join(s.Dir, "bin", "stepgate") }

// Scaled is how long a simulated wait of d lasts.
func (s *Site) Scaled(d time.Duration) time.Duration { return time.Duration(float64(d) / s.Speed) }

// SystemPath are the machine's own directories on a host's PATH.
const SystemPath = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

// Environ is the environment of everything that runs on a host, beside what the
// SSH server gives. LAB_DIR marks the processes of this lab.
func (s *Site) Environ(h *Host, bootID string) []string {
	root := s.Root(h.Name)
	return []string{
		"PATH=" + filepath.Join(root, "usr", "bin") + ":" + SystemPath,
		"HOME=" + s.Home(h),
		"USER=" + h.User,
		"LOGNAME=" + h.User,
		"HOSTNAME=" + h.Name,
		"TMPDIR=" + filepath.Join(root, "var", "tmp"),
		"XDG_STATE_HOME=" + filepath.Join(s.Home(h), ".local", "state"),
		"LANG=C.UTF-8",
		"LAB_DIR=" + s.Dir,
		"LAB_HOST=" + h.Name,
		"STEPGATE_MACHINE_ID=" + h.MachineID,
		"STEPGATE_BOOT_ID=" + bootID,
	}
}

// Locate says which lab and host a program runs on: programs learn it from their
// own path. A program in a directory that the hosts share, or without a path, takes
// the host from its environment.
func Locate(path string) (*Site, *Host, error) {
	if path == "" {
		return located(path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, nil, fmt.Errorf("locate %q: %w", path, err)
	}
	for dir := filepath.Dir(abs); ; dir = filepath.Dir(dir) {
		if filepath.Base(dir) == "hosts" {
			if s, err := Load(filepath.Dir(dir)); err == nil {
				rel := strings.TrimPrefix(abs, dir+string(filepath.Separator))
				name, _, _ := strings.Cut(rel, string(filepath.Separator))
				if h := s.Host(name); h != nil {
					return s, h, nil
				}
			}
		}
		if dir == filepath.Dir(dir) {
			return located(path)
		}
	}
}

// located takes lab and host from the environment.
func located(path string) (*Site, *Host, error) {
	if s, err := Load(os.Getenv("LAB_DIR")); err == nil {
		if h := s.Host(os.Getenv("LAB_HOST")); h != nil {
			return s, h, nil
		}
	}
	return nil, nil, fmt.Errorf("locate %q: not on a lab's host", path)
}
