package lab

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"stepgate/lab/dolphindb"
	"stepgate/lab/openmldb"
	"stepgate/lab/site"
	"stepgate/lab/userland"
	"stepgate/runbook/text"
)

// System is something that can be simulated. Its methods but Run and Open are only
// called while a lab is made or looked at.
type System interface {
	// Scenes are where it can stand at the beginning, the plainest first.
	Scenes() []site.Scene
	// Faults that can be switched on.
	Faults() []site.FaultKind
	// Plan fills in the hosts, places, parameters and ports of s.Scene. port returns
	// a free port on loopback, other than all before.
	Plan(s *site.Site, port func() (int, error)) error
	// Lay writes the hosts' trees. Faults given at creation are on already.
	Lay(s *site.Site) error
	// Open begins the system's life in the lab process.
	Open(s *site.Site) (site.Life, error)
	// Run runs a simulated program of a host, by its name, and returns its exit code;
	// ok says whether there is such a program.
	Run(c userland.Call, program string, args []string) (code int, ok bool)
}

var systems = []System{openmldb.System{}, dolphindb.System{}}

// Scenes are all that a lab can begin with.
func Scenes() (out []site.Scene) {
	for _, s := range systems {
		out = append(out, s.Scenes()...)
	}
	return out
}

// SceneNames are the names of all scenes.
func SceneNames() (names []string) {
	for _, s := range Scenes() {
		names = append(names, s.Name)
	}
	return names
}

// FindScene is the scene of that name. For a system's name it's the one that rehearses
// the runbook or, where none does, the system's first.
func FindScene(name, runbook string) (site.Scene, error) {
	var found *site.Scene
	for _, s := range Scenes() {
		switch {
		case s.System == name && s.Runbook == runbook:
			return s, nil
		case s.Name == name && found == nil:
			found = &s
		}
	}
	if found == nil {
		return site.Scene{}, text.WithHint(fmt.Errorf("simulate %q: there is no such system", name), "there are: "+strings.Join(SceneNames(), ", "))
	}
	return *found, nil
}

// SceneFaults are the faults that a scene's system knows.
func SceneFaults(scene site.Scene) []site.FaultKind {
	s, err := systemOf(scene.System)
	if err != nil {
		return nil
	}
	return faultsOf(s)
}

// faultsOf are the faults that can be switched on in a system: its own, and those that
// any host has.
func faultsOf(s System) []site.FaultKind { return append(slices.Clone(s.Faults()), linkFaults...) }

func systemOf(name string) (System, error) {
	for _, s := range systems {
		if s.Scenes()[0].System == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("simulate %q: this program has no such system", name)
}

// here refuses a scene that this operating system can't show.
func here(scene site.Scene) error {
	if scene.Only == "" || scene.Only == runtime.GOOS {
		return nil
	}
	return text.WithHint(fmt.Errorf("simulate %q: it needs %s", scene.Name, scene.Only), "each of its hosts has an address of its own on the loopback network, which other systems don't give without being set up")
}
