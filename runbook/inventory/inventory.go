package inventory

// Inventory is a parsed inventory. Order is that of the file.
type Inventory struct {
	Hosts  []Host
	Groups []Group
	Vars   map[string]string // values for parameters of these names: [vars], of INI [all:vars]; nil: none
}

// Host is a place to work in. Several hosts may share one SSH destination.
type Host struct {
	Name string
	SSH  string // user@address:port, or a name that SSH's configuration knows; empty: this machine
	Vars map[string]string
}

// Group is a named list of hosts.
type Group struct {
	Name  string
	Hosts []string
}

// Host returns the host of that name.
func (inv *Inventory) Host(name string) (Host, bool) {
	for _, h := range inv.Hosts {
		if h.Name == name {
			return h, true
		}
	}
	return Host{}, false
}

// Group returns the hosts of the group, in order.
func (inv *Inventory) Group(name string) ([]string, bool) {
	for _, g := range inv.Groups {
		if g.Name == name {
			return g.Hosts, true
		}
	}
	return nil, false
}
