package runbook

import (
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// judged says why a plain document's command is gated by itself, or "".
func (p *parser) judged(b *block, f *Fence) string {
	if b.open {
		return "its fence is never closed, so that it may hold more than was meant"
	}
	if b.doubt != "" {
		return b.doubt
	}
	if !isShell(f.Lang) {
		return "it is " + f.Lang + ", which can't be judged"
	}
	j := judge{sql: sqlWords(f.Body)}
	switch {
	case b.shell.simple:
		j.simple(b.shell.lines)
	case b.shell.file != nil:
		j.walk(b.shell.file)
	default:
		parsed, _, err := parseShell("bash", b.body)
		if err != nil {
			return "it can't be read as shell: " + err.Error()
		}
		j.walk(parsed)
	}
	j.because(b.shell.why)
	if strings.Contains(f.Body, "<") {
		if m := placeholder.FindString(f.Body); m != "" {
			j.because("it may hold a placeholder: " + m)
		}
	}
	return j.why
}

// judgeText judges shell text; unreadable is the verdict when it can't be parsed.
func judgeText(text, unreadable string) string { return judgeAt(0, text, unreadable) }

func judgeAt(depth int, text, unreadable string) string {
	j := judge{sql: sqlWords(text), depth: depth}
	if !j.sql {
		if lines, ok := commandLines(text); ok {
			j.simple(lines)
			return j.why
		}
	}
	if f, _, err := parseShell("bash", text); err != nil {
		j.because(unreadable)
	} else {
		j.walk(f)
	}
	return j.why
}

// simple judges simple commands.
func (j *judge) simple(lines []commandLine) {
	for _, line := range lines {
		args := unwrap(line.args)
		if line.piped {
			j.pipe(args)
		}
		if j.argv(args); j.why != "" {
			return
		}
	}
}

// maxShells is how deep commands that run text as commands are followed.
const maxShells = 8

// judge walks a command and keeps the first reason to be careful with it.
type judge struct {
	why   string
	depth int  // of shells run by shells
	sql   bool // words of SQL stand somewhere
}

func (j *judge) because(why string) {
	if j.why == "" {
		j.why = why
	}
}

var (
	destructiveSQL = regexp.MustCompile(`(?i)\b(drop\s+(table|database|schema|user|index|view|keyspace|tablespace|partition|column)|truncate\s+(table\s+)?\w|delete\s+from)\b`)
	placeholder    = regexp.MustCompile(`<[A-Za-z][A-Za-z0-9_. -]*>`)
	configFile     = regexp.MustCompile(`(^/etc/|\.(conf|cnf|cfg|ini|ya?ml|toml|properties|flags|service|env)$)`)
	device         = regexp.MustCompile(`^/dev/(sd|hd|vd|xvd|nvme|mapper/|dm-|md|disk)`)
)

// sqlWords reports whether text may hold destructive SQL.
func sqlWords(text string) bool {
	for i := range len(text) {
		for _, word := range [...]string{"drop", "delete", "truncate"} {
			if text[i]|0x20 == word[0] && len(text)-i >= len(word) && strings.EqualFold(text[i:i+len(word)], word) {
				return true
			}
		}
	}
	return false
}

// walk judges everything in a parsed body, also inside functions, substitutions
// and here-documents.
func (j *judge) walk(f *syntax.File) {
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			j.call(n.Args)
		case *syntax.Stmt:
			j.fed(n)
		case *syntax.Redirect:
			j.redirect(n)
		case *syntax.BinaryCmd:
			if n.Op == syntax.Pipe || n.Op == syntax.PipeAll {
				if call, ok := n.Y.Cmd.(*syntax.CallExpr); ok {
					j.pipe(unwrap(texts(call.Args)))
				}
			}
		case *syntax.Word:
			if !j.sql {
				break
			}
			if m := destructiveSQL.FindString(words(n)); m != "" {
				j.because("it says " + strings.Join(strings.Fields(m), " "))
			}
		}
		return j.why == ""
	})
}

// words is a word's text as far as it is written out; what a variable or a
// substitution gives is left out.
func words(w *syntax.Word) string {
	var b strings.Builder
	if w != nil {
		parts(&b, w.Parts)
	}
	return b.String()
}

func parts(b *strings.Builder, ps []syntax.WordPart) {
	for _, part := range ps {
		switch part := part.(type) {
		case *syntax.Lit:
			b.WriteString(strings.ReplaceAll(part.Value, "\\", ""))
		case *syntax.SglQuoted:
			b.WriteString(part.Value)
		case *syntax.DblQuoted:
			parts(b, part.Parts)
		}
	}
}

// fed judges a here-document that is given to a shell.
func (j *judge) fed(stmt *syntax.Stmt) {
	call, ok := stmt.Cmd.(*syntax.CallExpr)
	if !ok {
		return
	}
	args := unwrap(texts(call.Args))
	if len(args) == 0 || !isShell(base(args[0])) && base(args[0]) != "ssh" && base(args[0]) != "su" {
		return
	}
	for _, r := range stmt.Redirs {
		text := words(r.Hdoc)
		if r.Op == syntax.WordHdoc {
			text = words(r.Word)
		}
		if strings.TrimSpace(text) != "" {
			j.text(text)
		}
	}
}

// redirect judges what a redirection overwrites.
func (j *judge) redirect(r *syntax.Redirect) {
	if r.Op != syntax.RdrOut && r.Op != syntax.RdrClob && r.Op != syntax.RdrAll {
		return
	}
	j.overwrite(words(r.Word))
}

func (j *judge) overwrite(path string) {
	switch {
	case device.MatchString(path):
		j.because("it writes to the device " + path)
	case configFile.MatchString(path):
		j.because("it overwrites " + path)
	}
}

// pipe judges the command behind a pipe.
func (j *judge) pipe(args []string) {
	if len(args) > 0 && isShell(base(args[0])) && (len(args) == 1 || args[1] == "-" || args[1] == "-s") {
		j.because("it runs what another command prints")
	}
}

func texts(args []*syntax.Word) []string {
	out := make([]string, len(args))
	for i, w := range args {
		out[i] = words(w)
	}
	return out
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// call judges one simple command.
func (j *judge) call(args []*syntax.Word) {
	if len(args) == 0 {
		return
	}
	j.argv(unwrap(texts(args)))
}

func (j *judge) argv(args []string) {
	if len(args) == 0 {
		return
	}
	name := base(args[0])
	switch {
	case args[0] == "":
		j.because("the name of its command is a variable")
	case isShell(name) || name == "eval" || name == "ssh" || name == "su" || name == "watch":
		j.inner(name, args[1:])
	case name == "find" || name == "xargs":
		j.wrapped(name, args[1:])
	}
	if says := destroys(name, args[1:]); says != "" {
		j.because("it runs " + says)
		return
	}
	if name == "tee" && !has(args, "-a", "--append") || name == "cp" || name == "mv" || name == "install" {
		j.overwritten(name, args[1:])
	}
}

// overwritten judges the targets of commands that write files.
func (j *judge) overwritten(name string, args []string) {
	var files []string
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			files = append(files, a)
		}
	}
	if name != "tee" && len(files) > 0 {
		files = files[len(files)-1:]
	}
	for _, f := range files {
		if name == "tee" || strings.HasPrefix(f, "/etc/") {
			j.overwrite(f)
		}
	}
}

// inner judges a command given as text.
func (j *judge) inner(name string, args []string) {
	text := innerText(name, args)
	if name == "eval" && strings.TrimSpace(text) == "" {
		j.because("it evaluates a variable")
	}
	if strings.TrimSpace(text) == "" {
		return
	}
	j.text(text)
}

// text judges what another shell is given to run.
func (j *judge) text(text string) {
	if j.depth >= maxShells {
		j.because("it runs shells in shells, too many to be judged")
		return
	}
	j.because(judgeAt(j.depth+1, text, "it holds a command that can't be read"))
}

// innerText is the shell text that a command was given to run, or "".
func innerText(name string, args []string) string {
	switch name {
	case "ssh":
		return strings.Join(sshCommand(args), " ")
	case "eval", "watch":
		return strings.Join(args, " ")
	}
	for i, a := range args {
		if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.HasSuffix(a, "c") && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

// sshCommand is what is behind the destination of an ssh command line.
func sshCommand(args []string) []string {
	for i := 0; i < len(args); i++ {
		if !strings.HasPrefix(args[i], "-") {
			return args[i+1:]
		}
		if len(args[i]) == 2 && strings.Contains("BbcDEeFIiJLlmOopQRSWw", args[i][1:]) {
			i++
		}
	}
	return nil
}

// wrapped judges the command that find or xargs runs.
func (j *judge) wrapped(name string, args []string) {
	for i, a := range args {
		switch {
		case name == "find" && a == "-delete":
			j.because("it runs find -delete")
		case name == "find" && (a == "-exec" || a == "-execdir" || a == "-ok"), name == "xargs" && !strings.HasPrefix(a, "-"):
			j.argv(unwrap(args[min(i+btoi(name == "find"), len(args)):]))
			return
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// wrappers run the command behind them; the value names their options that take
// an argument.
var wrappers = map[string]string{
	"sudo": "ugCDhpRrTt", "doas": "uC", "env": "uCS", "nohup": "", "time": "", "nice": "n", "ionice": "cnp", "exec": "a", "command": "", "builtin": "",
	"timeout": "ks", "setsid": "", "stdbuf": "ioe", "chroot": "", "flock": "wE", "unbuffer": "", "busybox": "",
}

// unwrap removes commands that run the command behind them.
func unwrap(args []string) []string {
	for len(args) > 0 {
		takes, ok := wrappers[base(args[0])]
		if !ok {
			return args
		}
		name := base(args[0])
		args = args[1:]
		for len(args) > 0 && (strings.HasPrefix(args[0], "-") || name == "env" && strings.Contains(args[0], "=")) {
			option := args[0]
			args = args[1:]
			if len(option) == 2 && strings.Contains(takes, option[1:]) && len(args) > 0 {
				args = args[1:]
			}
		}
		if (name == "timeout" || name == "chroot" || name == "flock") && len(args) > 0 {
			args = args[1:]
		}
	}
	return args
}

// has reports whether any of words stands among args, also inside bundled short
// options.
func has(args []string, words ...string) bool {
	return slices.ContainsFunc(args, func(a string) bool {
		return slices.ContainsFunc(words, func(w string) bool {
			if a == w {
				return true
			}
			bundled := len(w) == 2 && w[0] == '-' && len(a) > 2 && a[0] == '-' && a[1] != '-'
			return bundled && strings.Contains(a[1:], w[1:])
		})
	})
}
