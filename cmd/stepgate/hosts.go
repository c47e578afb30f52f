package main

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"stepgate/executor"
	"stepgate/executor/sshconfig"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// opener returns how the engine opens the hosts of a plan. Nothing is dialled.
func opener(p *plan.Plan, s run.RunStarted) func(string, executor.Asker) (executor.Executor, error) {
	logins := executor.NewLogins()
	return func(name string, ask executor.Asker) (executor.Executor, error) {
		h, ok := p.Hosts[name]
		if name == plan.Local || ok && h.SSH == "" {
			return executor.NewLocal(executor.LocalOptions{Dir: s.Dir, Ask: ask}), nil
		}
		if !ok {
			return nil, text.WithHint(errors.New("the inventory doesn't have it"), "add [hosts."+name+"] to the inventory")
		}
		c, ignored, err := sshConfig(name, h.SSH, s.SSH)
		if err != nil {
			return nil, err
		}
		if t, ok := ask.(executor.Teller); ok && len(ignored) > 0 {
			t.Tell(name, strings.Join(ignored, "; "))
		}
		c.Ask, c.Logins = ask, logins
		return executor.NewSSH(c), nil
	}
}

// resolveTime bounds how long the user's configuration may take to be read.
const resolveTime = 30 * time.Second

// sshConfig is how an inventory's destination is reached: by the files that the run
// brings, else as the user's ssh would. ignored is what the configuration asks for and
// isn't done.
func sshConfig(name, dest string, files run.SSHFiles) (c executor.SSHConfig, ignored []string, err error) {
	d, err := sshconfig.Parse(dest)
	if err != nil {
		return c, nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	o := sshconfig.FromEnvironment()
	if files != (run.SSHFiles{}) {
		o.File = "none"
	}
	s, err := sshconfig.Resolve(ctx, d, o)
	if err != nil {
		return c, nil, err
	}
	c = reached(s)
	c.Name = name
	for _, j := range s.Jumps {
		c.Jumps = append(c.Jumps, reached(j))
	}
	if files.Identity != "" {
		c.Identities, c.Certificates, c.AgentSocket = []string{files.Identity}, nil, ""
	}
	if files.KnownHosts != "" {
		c.KnownHosts, c.NewKeys = []string{files.KnownHosts}, ""
	}
	return c, s.Notices, nil
}

// reached makes of what the configuration says what the executor needs.
func reached(s sshconfig.Settings) executor.SSHConfig {
	c := executor.SSHConfig{
		Name: s.Name, Addr: net.JoinHostPort(s.Hostname, s.Port), User: s.User,
		KnownHosts: slices.Concat(s.UserKnownHosts, s.GlobalKnownHosts), HashNames: s.HashKnownHosts,
		HostKeyAlias: s.HostKeyAlias, HostKeyAlgorithms: s.HostKeyAlgorithms,
		Identities: s.IdentityFiles, Certificates: s.CertificateFiles, AgentSocket: s.IdentityAgent, IdentitiesOnly: s.IdentitiesOnly,
		Methods: s.Methods, Tries: s.Prompts, Silent: s.BatchMode, DialTimeout: s.Timeout, Keepalive: s.Alive,
	}
	if len(s.UserKnownHosts) > 0 && !s.Strict {
		c.NewKeys = s.UserKnownHosts[0]
	}
	return c
}
