package main

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"stepgate/executor"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// opener returns how the engine opens the hosts of a plan. Nothing is dialled.
func opener(p *plan.Plan, s run.RunStarted) func(string, executor.Asker) (executor.Executor, error) {
	return func(name string, ask executor.Asker) (executor.Executor, error) {
		h, ok := p.Hosts[name]
		if name == plan.Local || ok && h.SSH == "" {
			return executor.NewLocal(executor.LocalOptions{Dir: s.Dir, Ask: ask}), nil
		}
		if !ok {
			return nil, text.WithHint(fmt.Errorf("open host %q: the inventory doesn't have it", name), "add [hosts."+name+"] to the inventory")
		}
		c, err := sshConfig(name, h.SSH)
		if err != nil {
			return nil, err
		}
		c.Ask = ask
		if s.SSH.Identity != "" {
			c.Identities, c.AgentSocket = []string{s.SSH.Identity}, ""
		}
		if s.SSH.KnownHosts != "" {
			c.KnownHosts = []string{s.SSH.KnownHosts}
		}
		return executor.NewSSH(c), nil
	}
}

// sshConfig is how an inventory's user@address:port is reached with the
// operator's own keys and known hosts.
func sshConfig(name, dest string) (executor.SSHConfig, error) {
	c := executor.SSHConfig{Name: name, AgentSocket: os.Getenv("SSH_AUTH_SOCK")}
	who, addr, ok := strings.Cut(dest, "@")
	if !ok {
		who, addr = "", dest
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = net.JoinHostPort(strings.Trim(addr, "[]"), "22")
	}
	u, err := user.Current()
	if err != nil {
		return c, fmt.Errorf("open host %q: %w", name, err)
	}
	if who == "" {
		who = u.Username
	}
	c.User, c.Addr = who, addr
	home, err := os.UserHomeDir()
	if err != nil {
		return c, fmt.Errorf("open host %q: %w", name, err)
	}
	ssh := filepath.Join(home, ".ssh")
	c.KnownHosts = []string{filepath.Join(ssh, "known_hosts"), "/etc/ssh/ssh_known_hosts"}
	for _, k := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		c.Identities = append(c.Identities, filepath.Join(ssh, k))
	}
	return c, nil
}
