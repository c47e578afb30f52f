package sshconfig

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"stepgate/runbook/text"
)

// keyword says how the value of a keyword is read.
type keyword uint8

const (
	single  keyword = iota + 1 // one word; the first line counts
	adds                       // one word; every line counts
	several                    // several words; the first line counts
	rest                       // the whole line
)

// keywords are those that are evaluated.
var keywords = map[string]keyword{
	"hostname": single, "user": single, "port": single, "identityfile": adds, "certificatefile": adds, "identitiesonly": single,
	"identityagent": single, "userknownhostsfile": several, "globalknownhostsfile": several, "hostkeyalias": single, "hostkeyalgorithms": single,
	"hashknownhosts": single, "stricthostkeychecking": single, "connecttimeout": single, "serveraliveinterval": single,
	"proxyjump": single, "proxycommand": rest, "batchmode": single, "numberofpasswordprompts": single, "preferredauthentications": single,
	"passwordauthentication": single, "kbdinteractiveauthentication": single, "challengeresponseauthentication": single,
	"pubkeyauthentication": single, "forwardagent": single, "forwardx11": single, "remoteforward": rest, "localforward": rest,
	"dynamicforward": rest, "revokedhostkeys": single,
}

// ignored are keywords that don't change which host is reached, by what way, as whom,
// or which key is trusted.
var ignored = words(`addkeystoagent casignaturealgorithms checkhostip ciphers clearallforwardings compression controlmaster controlpath
	controlpersist enableescapecommandline enablesshkeysign escapechar exitonforwardfailure fingerprinthash forkafterauthentication
	forwardx11timeout forwardx11trusted gatewayports gssapiauthentication gssapidelegatecredentials gssapikeyexchange gssapikexalgorithms
	gssapirenewalforcesrekey gssapiserveridentity gssapitrustdns hostbasedacceptedalgorithms hostbasedauthentication hostbasedkeytypes ipqos
	kbdinteractivedevices kexalgorithms localcommand loglevel logverbose macs obscurekeystroketiming permitlocalcommand permitremoteopen
	pubkeyacceptedalgorithms pubkeyacceptedkeytypes rekeylimit remotecommand requesttty requiredrsasize sendenv serveralivecountmax sessiontype setenv
	stdinnull streamlocalbindmask streamlocalbindunlink syslogfacility tcpkeepalive tunnel tunneldevice updatehostkeys useprivilegedport
	verifyhostkeydns visualhostkey xauthlocation`)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		m[w] = true
	}
	return m
}

// maxIncludes is how deep the library follows Include.
const maxIncludes = 5

// scan looks through configuration files for what the library would read otherwise
// than OpenSSH does.
type scan struct {
	home      string
	matchHost string // where Match host stands: FILE:LINE
	hostname  bool   // Hostname stands somewhere
}

func newScan(home string) *scan { return &scan{home: home} }

// refusal names the line that can't be evaluated.
func refusal(at, what string) error {
	return text.WithHint(fmt.Errorf("%s: %s", at, what),
		"install OpenSSH's client, which then resolves hosts, or write the line in another way, or name another file: "+FileVariable+"=FILE")
}

// line is `keyword = value # comment`, each part but the keyword optional.
var line = regexp.MustCompile(`^[ \t]*([^ \t=]+)[ \t]*(?:=[ \t]*|)(.*?)[ \t\f]*$`)

func (s *scan) file(name string, content []byte, depth int) error {
	if depth > maxIncludes {
		return refusal(name, "Include goes too deep")
	}
	system := strings.HasPrefix(filepath.Clean(name), "/etc/ssh")
	n := 0
	for l := range strings.SplitSeq(string(content), "\n") {
		n++
		l = strings.TrimSuffix(l, "\r")
		if t := strings.TrimLeft(l, " \t"); t == "" || t[0] == '#' {
			continue
		}
		at := fmt.Sprintf("%s:%d", name, n)
		if strings.ContainsFunc(l, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f || r == 0xfffd }) {
			return refusal(at, "a character that isn't text")
		}
		m := line.FindStringSubmatch(l)
		if m == nil {
			return refusal(at, "a line without a keyword")
		}
		if err := s.line(at, strings.ToLower(m[1]), m[2], system, depth); err != nil {
			return err
		}
	}
	return nil
}

func (s *scan) line(at, key, value string, system bool, depth int) error {
	kind, known := keywords[key]
	switch {
	case strings.ContainsAny(key, `"'\`):
		return refusal(at, "a keyword in quotes")
	case ignored[key]:
		return nil
	case kind == rest:
		if value == "" || strings.Contains(value, "#") {
			return refusal(at, fmt.Sprintf("%s: its value isn't clear", key))
		}
		return nil
	}
	value, err := s.value(at, key, value)
	if err != nil {
		return err
	}
	bare := value == strings.Trim(value, `"`)
	switch key {
	case "host":
		return s.patterns(at, value, bare)
	case "match":
		return s.match(at, value, bare)
	case "include":
		return s.include(at, value, bare, system, depth)
	case "canonicalizehostname":
		if strings.EqualFold(value, "no") {
			return nil
		}
	case "hostname":
		s.hostname = true
	}
	if !known {
		return refusal(at, fmt.Sprintf("%s isn't evaluated without ssh", key))
	}
	if kind != several && bare && strings.ContainsAny(value, " \t") {
		return refusal(at, fmt.Sprintf("%s takes one value", key))
	}
	if kind == several && !bare && strings.ContainsAny(value, " \t") {
		return refusal(at, fmt.Sprintf("%s: a file name with a space", key))
	}
	return s.check(at, key, strings.Trim(value, `"`))
}

// value takes the comment off, and refuses quoting in which the library and OpenSSH
// differ.
func (s *scan) value(at, key, value string) (string, error) {
	if i := strings.IndexByte(value, '#'); i >= 0 {
		if i == 0 || !strings.ContainsAny(value[i-1:i], " \t") || strings.Contains(value, `"`) {
			return "", refusal(at, fmt.Sprintf("%s: # inside of a value", key))
		}
		value = strings.TrimRight(value[:i], " \t")
	}
	switch quotes := strings.Count(value, `"`); {
	case value == "" || value == `""`:
		return "", refusal(at, fmt.Sprintf("%s has no value", key))
	case strings.ContainsAny(value, `'\`):
		return "", refusal(at, fmt.Sprintf("%s: quoting other than \"…\" around the whole value", key))
	case quotes != 0 && (quotes != 2 || value[0] != '"' || value[len(value)-1] != '"'):
		return "", refusal(at, fmt.Sprintf("%s: quoting other than \"…\" around the whole value", key))
	}
	return value, nil
}

func (s *scan) patterns(at, value string, bare bool) error {
	for _, p := range strings.Split(value, " ") {
		if p == "!" {
			return refusal(at, "an empty pattern")
		}
	}
	switch {
	case !bare || strings.Contains(value, "\t"):
		return refusal(at, "Host with quotes or tabs")
	case strings.Contains(value, "?"):
		return refusal(at, "the wildcard ? of Host")
	}
	return nil
}

func (s *scan) match(at, value string, bare bool) error {
	f := strings.Fields(value)
	switch {
	case bare && len(f) == 1 && strings.EqualFold(f[0], "all"):
		return nil
	case bare && len(f) == 2 && strings.EqualFold(f[0], "host") && !strings.ContainsAny(f[1], ",?!="):
		s.matchHost = at
		return nil
	}
	return refusal(at, fmt.Sprintf("Match %s: only Match all, and Match host with one pattern, are evaluated without ssh", value))
}

// matchHosts refuses Match host beside Hostname: it means the name that Hostname has
// set, and the library compares the one that was given.
func (s *scan) matchHosts() error {
	if s.matchHost == "" || !s.hostname {
		return nil
	}
	return refusal(s.matchHost, "Match host means what Hostname has set, which isn't evaluated without ssh")
}

// include scans the files that the library will read.
func (s *scan) include(at, value string, bare, system bool, depth int) error {
	if !bare || strings.ContainsAny(value, "\t~$%{") && !strings.HasPrefix(value, "~/") || strings.Count(value, "~") > 1 {
		return refusal(at, "Include "+value+": only plain names are read without ssh")
	}
	for p := range strings.FieldsSeq(value) {
		switch {
		case filepath.IsAbs(p):
		case strings.HasPrefix(p, "~/"):
			p = filepath.Join(s.home, p[2:])
		case system:
			p = filepath.Join("/etc/ssh", p)
		default:
			p = filepath.Join(s.home, ".ssh", p)
		}
		files, err := filepath.Glob(p)
		if err != nil {
			return refusal(at, fmt.Sprintf("Include %s: %v", p, err))
		}
		for _, f := range files {
			content, err := os.ReadFile(f)
			if err != nil {
				return refusal(at, fmt.Sprintf("Include %s: %v", p, err))
			}
			if len(content) > 0 && content[len(content)-1] != '\n' {
				return refusal(f, "its last line isn't ended")
			}
			if err := s.file(f, content, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
