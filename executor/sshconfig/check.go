package sshconfig

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// hostname is what a Hostname may consist of, its tokens apart.
var hostname = regexp.MustCompile(`^([A-Za-z0-9._-]*|[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?)$`)

var algorithms = regexp.MustCompile(`^[a-z][a-z0-9@.-]+(,[a-z][a-z0-9@.-]+)*$`)

// check refuses values that OpenSSH refuses, and tokens that aren't evaluated.
func (s *scan) check(at, key, value string) error {
	bad := refusal(at, fmt.Sprintf("%s %q isn't evaluated without ssh", key, value))
	switch key {
	case "port":
		if n, err := strconv.ParseUint(value, 10, 16); err != nil || n == 0 {
			return bad
		}
	case "connecttimeout", "serveraliveinterval", "numberofpasswordprompts":
		if n, err := strconv.ParseUint(value, 10, 31); err != nil || value != strconv.FormatUint(n, 10) {
			return bad
		}
	case "identitiesonly", "hashknownhosts", "batchmode", "passwordauthentication", "kbdinteractiveauthentication",
		"challengeresponseauthentication", "pubkeyauthentication", "forwardx11":
		switch strings.ToLower(value) {
		case "yes", "no", "true", "false":
		default:
			return bad
		}
	case "stricthostkeychecking":
		switch strings.ToLower(value) {
		case "yes", "no", "ask", "off", "accept-new":
		default:
			return bad
		}
	case "user", "hostkeyalias":
		if strings.ContainsAny(value, "%$") {
			return bad
		}
	case "hostname":
		if !hostname.MatchString(strings.NewReplacer("%%", "", "%h", "").Replace(value)) {
			return bad
		}
	case "hostkeyalgorithms": // a list of changes changes a default that only ssh knows
		if !algorithms.MatchString(value) {
			return bad
		}
	case "proxyjump":
		if strings.EqualFold(value, "none") {
			return nil
		}
		for _, j := range strings.Split(value, ",") {
			if _, err := Parse(j); err != nil || strings.ContainsAny(j, "%[]/") {
				return bad
			}
		}
	case "identityfile", "certificatefile", "identityagent", "userknownhostsfile", "globalknownhostsfile":
		return s.names(value, bad)
	}
	return nil
}

// names refuses tokens in the names of files that aren't evaluated.
func (s *scan) names(value string, bad error) error {
	for i := 0; i < len(value); i++ {
		if value[i] != '%' {
			continue
		}
		if i++; i == len(value) || !strings.ContainsRune("%dhiklLnpru", rune(value[i])) {
			return bad
		}
	}
	for _, m := range environment.FindAllStringSubmatch(value, -1) {
		if _, ok := os.LookupEnv(m[1]); !ok {
			return bad
		}
	}
	return nil
}

// find names the line that says something, for messages: FILE:LINE, or nothing.
func (r *resolver) find(key, value string) string {
	for _, f := range r.files() {
		content, err := os.ReadFile(f.name)
		if err != nil {
			continue
		}
		n := 0
		for l := range strings.SplitSeq(string(content), "\n") {
			n++
			m := line.FindStringSubmatch(strings.TrimSuffix(l, "\r"))
			if m != nil && strings.EqualFold(m[1], key) && strings.Trim(m[2], `"`) == strings.Trim(value, `"`) {
				return fmt.Sprintf("%s:%d", f.name, n)
			}
		}
	}
	return ""
}
