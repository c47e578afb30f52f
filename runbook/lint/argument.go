package lint

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"stepgate/runbook"
)

// usualDirectories are names that are directories wherever they stand in a
// deployment.
var usualDirectories = []string{"bin", "sbin", "conf", "config", "etc", "lib", "lib64", "data", "log", "logs", "tools", "scripts", "plugins", "modules", "var"}

// directories reports a directory that is copied without -r: cp leaves it out,
// with a line on stderr.
func (j *reading) directories(n syntax.Node, args []string, holder syntax.Node) {
	name := path.Base(args[0])
	if name != "cp" && name != "scp" {
		return
	}
	for _, a := range args[1:] {
		short := strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--")
		if short && strings.ContainsAny(a, "rRa") && !(name == "scp" && strings.HasPrefix(a, "-o")) || a == "--recursive" || a == "--archive" {
			return
		}
	}
	files := operands(args)
	for _, file := range files[:max(len(files)-1, 0)] {
		bare := strings.TrimRight(file, "/")
		last := path.Base(bare)
		if file != bare || last == "." || last == ".." || slices.Contains(usualDirectories, last) || j.isDirectory(file) {
			j.report(n, holder, "directory-without-r", name+" leaves the directory "+quote(file)+" out", "write "+name+" -Rp, or name the files that are meant")
			return
		}
	}
}

// isDirectory reports whether the fence treats a path as a directory elsewhere.
func (j *reading) isDirectory(file string) bool {
	found := false
	syntax.Walk(j.file, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok || len(call.Args) < 2 {
			return true
		}
		args := j.words(call.Args)
		switch args[0] {
		case "mkdir":
			found = found || slices.Contains(args[1:], file)
		case "test", "[":
			found = found || args[1] == "-d" && len(args) > 2 && args[2] == file
		}
		return true
	})
	return found
}

var (
	passwordOption = regexp.MustCompile(`^--?(password|passwd|passphrase|token|secret|api-key)(=|$)`)
	withPassword   = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://[^/@:\s]*:[^/@\s]+@`)
	mysqlTool      = regexp.MustCompile(`^(mysql|mariadb|obclient|obdumper|obloader)[a-z-]*$`)
)

// inShell are the commands that the shell runs itself: their arguments are seen
// by no other process.
var inShell = []string{"printf", "echo", "test", "[", ":", "export", "read", "set", "true", "false", "return", "exit", "cd", "shift", "unset"}

// password reports a password among a command's arguments, which everybody on
// the machine can read while it runs.
func (j *reading) password(n syntax.Node, args []string, holder syntax.Node) {
	name := path.Base(args[0])
	if slices.Contains(inShell, name) {
		return
	}
	for i, a := range args[1:] {
		before := args[i]
		value := func(option string) bool { return before == option && !strings.HasPrefix(a, "-") }
		m := passwordOption.FindStringSubmatch(a)
		switch {
		case m != nil && m[2] == "=" && len(a) > len(m[0]), passwordOption.MatchString(before) && m == nil && !strings.HasPrefix(a, "-") && !strings.HasSuffix(before, "="),
			mysqlTool.MatchString(name) && strings.HasPrefix(a, "-p") && len(a) > 2,
			name == "sshpass" && strings.HasPrefix(a, "-p"), name == "redis-cli" && value("-a"),
			name == "curl" && (value("-u") || value("--user")) && strings.Contains(a, ":"), withPassword.MatchString(a), j.secret(a):
			j.report(n, holder, "password-in-argv", "a password stands among the arguments of "+quote(name)+", where every user of the machine can read it",
				"give it on stdin, in a file of mode 0600, or in an environment variable that "+name+" knows")
			return
		}
	}
}

// secret reports whether an argument holds a value that is secret.
func (j *reading) secret(arg string) bool {
	for name, secret := range j.secrets {
		if secret && mentions(arg, name) {
			return true
		}
	}
	return false
}

// mentions reports whether $name stands in a text.
func mentions(text, name string) bool {
	for rest := text; ; {
		i := strings.Index(rest, "$"+name)
		if i < 0 {
			return false
		}
		rest = rest[i+1+len(name):]
		if rest == "" || !nameByte(rest[0]) {
			return true
		}
	}
}

func nameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// splitOnPurpose are commands whose arguments are split deliberately, or are
// numbers.
var splitOnPurpose = []string{"set", "exit", "return", "shift", "sleep"}

// unquoted reports variables that the shell splits at blanks and expands as
// patterns.
func (j *reading) unquoted() {
	if j.fence.Lang == "zsh" {
		return
	}
	syntax.Walk(j.file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			if len(n.Args) > 0 && !slices.Contains(splitOnPurpose, n.Args[0].Lit()) {
				for _, w := range n.Args {
					j.splits(w)
				}
			}
		case *syntax.Redirect:
			if n.Op != syntax.Hdoc && n.Op != syntax.DashHdoc && n.Op != syntax.WordHdoc {
				j.splits(n.Word)
			}
		}
		return true
	})
}

func (j *reading) splits(w *syntax.Word) {
	if w == nil {
		return
	}
	for _, part := range w.Parts {
		p, ok := part.(*syntax.ParamExp)
		if !ok || p.Param == nil || p.Length || p.Excl {
			continue
		}
		if p.Exp != nil && (p.Exp.Op == syntax.AlternateUnset || p.Exp.Op == syntax.AlternateUnsetOrNull) {
			continue // ${x:+"$x"} gives an argument or none
		}
		name := p.Param.Value
		if !j.oneWord(name, 0) {
			j.report(w, nil, "unquoted", "$"+name+" isn't quoted: a blank in it makes several arguments, a * file names, and an empty one none", `write "$`+name+`"`)
			return
		}
	}
}

// oneWord reports whether a variable can only hold what the shell leaves whole.
func (j *reading) oneWord(name string, depth int) bool {
	switch name {
	case "#", "?", "$", "!", "-", "PPID", "UID", "EUID", "RANDOM", "SECONDS", "LINENO", "STEPGATE_RUN", "STEPGATE_ATTEMPT", "STEPGATE_SAMPLE", "STEPGATE_BODY":
		return true
	case "@", "*":
		return false
	}
	set, ok := j.assigned[name]
	if !ok {
		return j.number(name)
	}
	if depth > maxResolved {
		return false
	}
	for i, w := range set {
		if w == nil && i > 0 && i == len(set)-1 && j.loops(name) {
			continue
		}
		if w == nil || !j.whole(w, depth) {
			return false
		}
	}
	return true
}

// loops reports whether the variable is set by `for` alone.
func (j *reading) loops(name string) bool {
	only := true
	syntax.Walk(j.file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Assign:
			only = only && (n.Name == nil || n.Name.Value != name)
		case *syntax.CallExpr:
			only = only && (len(n.Args) == 0 || n.Args[0].Lit() != "read" || !slices.ContainsFunc(n.Args[1:], func(w *syntax.Word) bool { return w.Lit() == name }))
		}
		return true
	})
	return only
}

// whole reports whether a word is one word, once expanded.
func (j *reading) whole(w *syntax.Word, depth int) bool {
	for _, part := range w.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			if strings.ContainsAny(part.Value, "*?[~\\ ") {
				return false
			}
		case *syntax.SglQuoted:
			if strings.ContainsAny(part.Value, "*?[ \t\n") || part.Value == "" {
				return false
			}
		case *syntax.ArithmExp:
		case *syntax.ParamExp:
			if part.Param == nil || part.Exp != nil || !part.Length && !j.oneWord(part.Param.Value, depth+1) {
				return false
			}
		default:
			return false
		}
	}
	return len(w.Parts) > 0
}

// number reports whether a name is a parameter without blanks or patterns.
func (j *reading) number(name string) bool {
	for _, p := range j.book.Params {
		if p.Name == name {
			switch p.Type {
			case runbook.TypeInt, runbook.TypeNumber, runbook.TypeBool, runbook.TypeDuration, runbook.TypeHost:
				return true
			default:
				return false
			}
		}
	}
	return false
}
