package checks

import (
	"strings"
)

// Type is what is known of a variable's value when the runbook is loaded.
type Type uint8

const (
	// Any: nothing is known; kinds are compared at evaluation time.
	Any Type = iota
	// String is text.
	String
	// Int is a whole number.
	Int
	// Number is a whole or fractional number.
	Number
	// Bool is true or false.
	Bool
	// Duration is a span of time; as a stored value, its text ("1m30s").
	Duration
	// List is a list of anything.
	List
)

// String names the type as diagnostics do.
func (t Type) String() string {
	switch t {
	case String:
		return "string"
	case Int:
		return "int"
	case Number:
		return "number"
	case Bool:
		return "bool"
	case Duration:
		return "duration"
	case List:
		return "list"
	case Any:
	}
	return "any"
}

// MarshalText writes the type's name.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the type's name; an unknown one is Any.
func (t *Type) UnmarshalText(b []byte) error {
	*t = Any
	for known := String; known <= List; known++ {
		if string(b) == known.String() {
			*t = known
		}
	}
	return nil
}

// Names are the variables an expression may use, with their types.
type Names map[string]Type

// Values are the variables' values at evaluation time: parameters, captures,
// host variables. A name that is absent or nil has no value yet.
type Values map[string]any

// helpers are the functions of the language that expr-lang doesn't have.
var helpers = []string{"hosts", "table", "regex", "number", "version", "quantity", "ran", "ok", "monitor", "diff"}

// operators are the words of the expression language.
var operators = map[string]bool{
	"and": true, "or": true, "not": true, "in": true, "let": true, "if": true, "else": true, "true": true, "false": true,
	"nil": true, "matches": true, "contains": true, "startsWith": true, "endsWith": true,
}

// places are names that stand in {{…}} of prose and attributes, and the names of
// where a step runs.
var places = map[string]bool{
	"run": true, "step": true, "attempt": true, "sample": true, "each": true, "on": true, "local": true, "it": true,
}

// read by shells, loaders or the programs that every command starts.
var environment = map[string]bool{
	"PATH": true, "IFS": true, "BASH_ENV": true, "ENV": true, "HOME": true, "PS1": true, "PS2": true, "PS3": true, "PS4": true,
	"PROMPT_COMMAND": true, "SHELL": true, "SHELLOPTS": true, "BASHOPTS": true, "CDPATH": true, "PWD": true, "OLDPWD": true,
	"USER": true, "LOGNAME": true, "TERM": true, "LANG": true, "LANGUAGE": true, "TZ": true, "TMPDIR": true, "HOSTNAME": true,
	"GLOBIGNORE": true, "FPATH": true, "ZDOTDIR": true, "NODE_OPTIONS": true, "RUBYOPT": true, "RUBYLIB": true, "PERL5LIB": true,
	"PERL5OPT": true, "PERL5DB": true, "EDITOR": true, "PAGER": true, "UID": true, "EUID": true, "PPID": true, "RANDOM": true, "SECONDS": true,
	"LINENO": true, "OPTARG": true, "OPTIND": true, "OPTERR": true, "REPLY": true, "FUNCNEST": true, "POSIXLY_CORRECT": true, "MAIL": true,
	"MAILPATH": true, "HISTFILE": true, "INPUTRC": true, "GCONV_PATH": true, "LOCPATH": true, "NLSPATH": true, "HOSTALIASES": true,
	"RES_OPTIONS": true, "LOCALDOMAIN": true, "MALLOC_CHECK_": true, "TERMINFO": true, "TERMCAP": true,
}

var environmentPrefixes = []string{"LD_", "DYLD_", "BASH_", "LC_", "STEPGATE_", "PYTHON", "MALLOC_", "GLIBC_", "SUDO_", "SSH_"}

// Reserved tells whether a parameter, capture or host variable may not have the
// name, and why.
func Reserved(name string) (why string, bad bool) {
	switch {
	case !identifier.MatchString(name):
		return "a name is letters, digits and _, and doesn't begin with a digit", true
	case environment[name] || hasAnyPrefix(name, environmentPrefixes):
		return "the shell, the loader or Stepgate reads the environment variable " + name, true
	case name == "host" || observed[name]:
		return name + " is what expressions call a part of the observation", true
	case operators[name]:
		return name + " is a word of the expression language", true
	case places[name]:
		return name + " has a meaning of its own in runbooks", true
	case functions[name]:
		return name + " is a function of the expression language", true
	case strings.HasPrefix(name, "__") || strings.HasPrefix(name, "on_"):
		return "names that begin with __ or on_ are kept for the language", true
	}
	return "", false
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// Did returns the known name that name was probably meant to be, or "".
func Did(name string, known []string) string {
	best, least := "", 1+max(1, len([]rune(name))/3)
	for _, k := range known {
		d := distance(strings.ToLower(name), strings.ToLower(k))
		if d < least || d == least && best != "" && k < best {
			best, least = k, d
		}
	}
	return best
}

// distance is the number of insertions, deletions, replacements and swaps of
// neighbours that turn a into b.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	d := make([][]int, len(s)+1)
	for i := range d {
		d[i] = make([]int, len(t)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(s)][len(t)]
}
