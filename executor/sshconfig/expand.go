package sshconfig

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
)

// expander replaces what OpenSSH replaces in the names of files: a leading ~, ${NAME}
// and %-tokens (ssh_config(5), TOKENS).
type expander struct {
	me     *user.User
	tokens map[byte]string
}

func (r *resolver) expander(d Destination, s Settings) expander {
	e := expander{me: r.me, tokens: map[byte]string{
		'%': "%", 'd': r.me.HomeDir, 'h': s.Hostname, 'i': r.me.Uid, 'n': d.Host, 'p': s.Port, 'r': s.User, 'u': r.me.Username, 'k': d.Host,
	}}
	if s.HostKeyAlias != "" {
		e.tokens['k'] = s.HostKeyAlias
	}
	if name, err := os.Hostname(); err == nil {
		e.tokens['l'] = name
		e.tokens['L'], _, _ = strings.Cut(name, ".")
	}
	return e
}

// all expands the names of files; "none" is no file.
func (e expander) all(directive string, names []string) ([]string, error) {
	var out []string
	for _, n := range names {
		if strings.EqualFold(n, "none") {
			continue
		}
		f, err := e.file(directive, n)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

var environment = regexp.MustCompile(`\$\{([^}]*)\}`)

func (e expander) file(directive, name string) (string, error) {
	path, err := e.home(name)
	if err != nil {
		return "", fmt.Errorf("expand %s %q: %w", directive, name, err)
	}
	path = environment.ReplaceAllStringFunc(path, func(m string) string {
		v, ok := os.LookupEnv(m[2 : len(m)-1])
		if !ok {
			err = fmt.Errorf("the environment variable %q isn't set", m[2:len(m)-1])
		}
		return strings.ReplaceAll(v, "%", "%%")
	})
	if err == nil {
		path, err = e.percent(path)
	}
	if err != nil {
		return "", fmt.Errorf("expand %s %q: %w", directive, name, err)
	}
	return path, nil
}

func (e expander) percent(s string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return "", fmt.Errorf("it ends in a single %%")
		}
		v, ok := e.tokens[s[i]]
		if !ok {
			return "", fmt.Errorf("the token %%%c can't be evaluated", s[i])
		}
		out.WriteString(v)
	}
	return out.String(), nil
}

// home replaces ~ and ~NAME.
func (e expander) home(path string) (string, error) {
	if !strings.HasPrefix(path, "~") {
		return path, nil
	}
	name, rest, _ := strings.Cut(path[1:], "/")
	dir := e.me.HomeDir
	if name != "" {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		dir = u.HomeDir
	}
	return filepath.Join(dir, rest), nil
}
