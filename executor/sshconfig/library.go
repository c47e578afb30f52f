package sshconfig

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"

	"github.com/kevinburke/ssh_config"
)

// library returns a lookup in the files themselves.
func (r *resolver) library() (func(context.Context, Destination) (values, error), error) {
	var parsed []*ssh_config.Config
	sc := newScan(r.me.HomeDir)
	for _, f := range r.files() {
		content, err := os.ReadFile(f.name)
		if os.IsNotExist(err) && !f.asked {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read SSH configuration: %w", err)
		}
		if err := sc.file(f.name, content, 0); err != nil {
			return nil, err
		}
		c, err := ssh_config.DecodeBytes(closeLast(content))
		if err != nil {
			return nil, fmt.Errorf("read SSH configuration %q: %w", f.name, err)
		}
		parsed = append(parsed, c)
	}
	if err := sc.matchHosts(); err != nil {
		return nil, err
	}
	return func(_ context.Context, d Destination) (values, error) {
		return r.evaluate(parsed, d)
	}, nil
}

// closeLast ends the last line.
func closeLast(content []byte) []byte {
	if len(content) == 0 || bytes.HasSuffix(content, []byte("\n")) {
		return content
	}
	return append(bytes.Clone(content), '\n')
}

type configFile struct {
	name  string
	asked bool // by name: it has to be there
}

func (r *resolver) files() []configFile {
	switch r.options.File {
	case "":
		return []configFile{{name: r.ssh("config")}, {name: "/etc/ssh/ssh_config"}}
	case "none":
		return nil
	}
	return []configFile{{name: r.options.File, asked: true}}
}

// evaluate collects what holds for a destination, with OpenSSH's defaults. The first
// value counts, except of keywords that add up.
func (r *resolver) evaluate(files []*ssh_config.Config, d Destination) (values, error) {
	v := values{}
	for key, kind := range keywords {
		for _, c := range files {
			all, err := c.GetAll(d.Host, key)
			if err != nil {
				return nil, fmt.Errorf("read SSH configuration: %w", err)
			}
			for _, value := range all {
				if len(v[key]) > 0 && kind != adds {
					break
				}
				if kind == several {
					v[key] = append(v[key], strings.Fields(value)...)
					continue
				}
				v[key] = append(v[key], value)
			}
		}
	}
	if err := r.evaluateHost(v, d); err != nil {
		return nil, err
	}
	if len(v["userknownhostsfile"]) == 0 {
		v["userknownhostsfile"] = []string{r.ssh("known_hosts"), r.ssh("known_hosts2")}
	}
	if len(v["globalknownhostsfile"]) == 0 {
		v["globalknownhostsfile"] = []string{"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"}
	}
	if c := v.one("proxycommand"); c != "" && v.one("proxyjump") != "" {
		return nil, fmt.Errorf("%s: ProxyCommand stands beside ProxyJump: which of them counts can't be told without ssh", r.find("proxycommand", c))
	}
	return v, nil
}

// numeric are the shorthands of inet_aton(3), like 10.1 for 10.0.0.1.
var numeric = regexp.MustCompile(`^(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?$`)

// evaluateHost settles what to connect to and as whom.
func (r *resolver) evaluateHost(v values, d Destination) error {
	name := v.one("hostname")
	if name == "" {
		name = "%h"
	}
	host, err := expander{tokens: map[byte]string{'%': "%", 'h': d.Host}}.percent(name)
	if err != nil {
		return fmt.Errorf("%s: Hostname %q: %w", r.find("hostname", name), name, err)
	}
	if !strings.Contains(host, ":") { // else ssh takes it for an address, as it stands
		host = strings.ToLower(host)
	}
	if a, err := netip.ParseAddr(host); err == nil {
		host = a.String()
	} else if numeric.MatchString(host) {
		return fmt.Errorf("%s: the address %q isn't written in full", r.find("hostname", name), host)
	}
	v["hostname"] = []string{host}
	for _, f := range []struct{ key, given, otherwise string }{{"user", d.User, r.me.Username}, {"port", d.Port, "22"}} {
		switch {
		case f.given != "":
			v[f.key] = []string{f.given}
		case v.one(f.key) == "":
			v[f.key] = []string{f.otherwise}
		}
	}
	return nil
}
