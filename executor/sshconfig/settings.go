package sshconfig

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// maxAlive bounds ServerAliveInterval: a run has to notice a dead link sooner than a
// session that somebody looks at.
const maxAlive = 5 * time.Second

// settings makes settings of what the configuration says.
func (r *resolver) settings(d Destination, v values) (Settings, error) {
	s := Settings{
		Name: d.Host, Hostname: v.one("hostname"), Port: v.one("port"), User: v.one("user"),
		IdentitiesOnly: v.yes("identitiesonly", false), HostKeyAlias: v.one("hostkeyalias"),
		HashKnownHosts: v.yes("hashknownhosts", false), Strict: v.yes("stricthostkeychecking", false),
		BatchMode: v.yes("batchmode", false), Methods: methods(v),
		Timeout: v.seconds("connecttimeout"), Alive: v.seconds("serveraliveinterval"), Prompts: 3,
	}
	if n := v.one("numberofpasswordprompts"); n != "" {
		if _, err := fmt.Sscanf(n, "%d", &s.Prompts); err != nil {
			return s, fmt.Errorf("read NumberOfPasswordPrompts %q: %w", n, err)
		}
	}
	if s.Alive > maxAlive {
		s.Alive = 0
	}
	if list := v.one("hostkeyalgorithms"); list != "" {
		s.HostKeyAlgorithms = strings.Split(list, ",")
	}
	if f := v.one("revokedhostkeys"); f != "" && !strings.EqualFold(f, "none") {
		return s, fmt.Errorf("RevokedHostKeys %q: such lists aren't read, and going on without would trust what they revoke; use @revoked lines in known_hosts", f)
	}
	e := r.expander(d, s)
	var err error
	if s.IdentityFiles, err = e.all("IdentityFile", v["identityfile"]); err != nil {
		return s, err
	}
	defaults := make([]string, len(defaultIdentities))
	for i, name := range defaultIdentities {
		defaults[i] = r.ssh(name)
	}
	unusable := []string{r.ssh("id_xmss"), r.ssh("id_dsa")}
	s.IdentityFiles = slices.DeleteFunc(s.IdentityFiles, func(f string) bool { return slices.Contains(unusable, f) })
	if len(v["identityfile"]) == 0 {
		s.IdentityFiles = defaults
	}
	s.DefaultFiles = slices.Equal(s.IdentityFiles, defaults)
	if s.CertificateFiles, err = e.all("CertificateFile", v["certificatefile"]); err != nil {
		return s, err
	}
	if s.UserKnownHosts, err = e.all("UserKnownHostsFile", v["userknownhostsfile"]); err != nil {
		return s, err
	}
	if s.GlobalKnownHosts, err = e.all("GlobalKnownHostsFile", v["globalknownhostsfile"]); err != nil {
		return s, err
	}
	if s.IdentityAgent, err = e.agent(v.one("identityagent")); err != nil {
		return s, err
	}
	s.Notices = notices(v)
	return s, nil
}

// methods are the ways to log in that the configuration leaves, in its order.
func methods(v values) []string {
	order := []string{"publickey", "keyboard-interactive", "password"}
	if p := v.one("preferredauthentications"); p != "" {
		wanted := strings.Split(p, ",")
		order = slices.DeleteFunc(wanted, func(m string) bool { return !slices.Contains(order, m) })
	}
	allowed := map[string]bool{
		"publickey":            !strings.EqualFold(v.one("pubkeyauthentication"), "no") && v.yes("pubkeyauthentication", true),
		"keyboard-interactive": v.yes("kbdinteractiveauthentication", v.yes("challengeresponseauthentication", true)),
		"password":             v.yes("passwordauthentication", true),
	}
	return slices.DeleteFunc(order, func(m string) bool { return !allowed[m] })
}

// notices name what is asked for and isn't done.
func notices(v values) []string {
	var out []string
	if f := v.one("forwardagent"); f != "" && !strings.EqualFold(f, "no") {
		out = append(out, "ForwardAgent is ignored: the agent is never lent to a host")
	}
	if v.yes("forwardx11", false) {
		out = append(out, "ForwardX11 is ignored")
	}
	for _, f := range []struct{ key, name string }{
		{"remoteforward", "RemoteForward"},
		{"localforward", "LocalForward"},
		{"dynamicforward", "DynamicForward"},
	} {
		if len(v[f.key]) > 0 {
			out = append(out, f.name+" is ignored")
		}
	}
	if c := v.one("knownhostscommand"); c != "" && !strings.EqualFold(c, "none") {
		out = append(out, "KnownHostsCommand is ignored: keys are looked up in files only")
	}
	if s := strings.ToLower(v.one("stricthostkeychecking")); s == "no" || s == "off" || s == "false" || s == "accept-new" {
		out = append(out, "StrictHostKeyChecking "+s+" is ignored: a key that isn't known is shown and asked about")
	}
	return out
}

// agent is the socket that IdentityAgent means.
func (e expander) agent(v string) (string, error) {
	switch {
	case strings.EqualFold(v, "none"):
		return "", nil
	case v == "" || v == "SSH_AUTH_SOCK":
		return os.Getenv("SSH_AUTH_SOCK"), nil
	case strings.HasPrefix(v, "$") && !strings.HasPrefix(v, "${"):
		return os.Getenv(v[1:]), nil
	}
	return e.file("IdentityAgent", v)
}
