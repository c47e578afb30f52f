package lint

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"stepgate/runbook"
)

// commands judges every simple command, redirection and pipe below a node.
// holder is the word in which the text stands, when another shell runs it.
func (j *reading) commands(f *syntax.File, holder syntax.Node) {
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			if len(n.Args) > 0 {
				j.argv(n, j.words(n.Args), holder)
			}
		case *syntax.Redirect:
			if n.Op == syntax.RdrOut || n.Op == syntax.RdrClob || n.Op == syntax.RdrAll {
				j.overwrites(n, j.shown(n.Word, maxResolved), holder)
			}
		case *syntax.BinaryCmd:
			if n.Op == syntax.Pipe || n.Op == syntax.PipeAll {
				j.piped(n.Y, holder)
			}
		case *syntax.Word:
			if sql := runbook.DestroysSQL(j.shown(n, 0)); sql != "" {
				j.destroys(n, "says "+sql, nil, holder)
			}
		}
		return true
	})
}

// argv judges a command line; n is where it stands.
func (j *reading) argv(n syntax.Node, args []string, holder syntax.Node) {
	wrapped := args
	args = runbook.Unwrap(args)
	if len(args) == 0 {
		return
	}
	if own, where := j.function(args[0]); own != nil {
		j.calls(n, own, where, holder)
		return
	}
	if text := runbook.Inner(args); text != "" {
		j.inner(n, text, holder)
	}
	if behind := runs(args); behind != nil {
		j.argv(n, behind, holder)
		return
	}
	if says := runbook.Destroys(args); says != "" {
		j.destroys(n, "runs "+says, operands(args), holder)
	}
	if name := path.Base(args[0]); name == "tee" && !slices.Contains(args, "-a") && !slices.Contains(args, "--append") {
		for _, file := range operands(args) {
			j.overwrites(n, file, holder)
		}
	}
	j.directories(n, args, holder)
	j.password(n, args, holder)
	j.cluster(n, args, holder)
	j.follows(n, wrapped, args, holder)
}

// inner judges text that another shell runs.
func (j *reading) inner(n syntax.Node, text string, holder syntax.Node) {
	f, _, err := runbook.ParseShell("bash", text)
	if err != nil || j.depth > 8 {
		return
	}
	if holder == nil {
		holder = n
	}
	j.depth++
	j.commands(f, holder)
	j.depth--
}

// runs returns the command line that find or xargs runs, or nil.
func runs(args []string) []string {
	name := path.Base(args[0])
	for i, a := range args[1:] {
		switch {
		case name == "find" && (a == "-exec" || a == "-execdir" || a == "-ok"):
			return args[i+2:]
		case name == "xargs" && takesValue(args[i], "InLPdEs"):
		case name == "xargs" && !strings.HasPrefix(a, "-"):
			return args[i+1:]
		}
	}
	return nil
}

// takesValue reports whether an option's value is the next argument.
func takesValue(option, options string) bool {
	return len(option) == 2 && option[0] == '-' && strings.Contains(options, option[1:])
}

// operands are the arguments that are no options.
func operands(args []string) []string {
	var out []string
	for i, a := range args[1:] {
		if a == "--" {
			return append(out, args[i+2:]...)
		}
		if !strings.HasPrefix(a, "-") || a == "-" {
			out = append(out, a)
		}
	}
	return out
}

// function returns the shell function of that name, and the text it stands in.
func (j *reading) function(name string) (*syntax.FuncDecl, script) {
	if own := j.functions[name]; own != nil {
		return own, j.script
	}
	return j.prelude.functions[name], j.prelude
}

// calls judges the call of a function of the prelude, whose body isn't in the
// fence; the fence's own are judged where they are written.
func (j *reading) calls(n syntax.Node, own *syntax.FuncDecl, where script, holder syntax.Node) {
	if where.file == j.file {
		return
	}
	syntax.Walk(own.Body, func(in syntax.Node) bool {
		call, ok := in.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		args := runbook.Unwrap(where.words(call.Args))
		if says := runbook.Destroys(args); says != "" {
			j.destroys(n, "calls "+own.Name.Value+", which runs "+says, operands(args), holder)
		}
		return true
	})
}

// ofThisRun reports whether a path is one that the run makes for itself: it
// carries the run's id, or the ending of what isn't finished yet.
func ofThisRun(file string) bool {
	file = strings.TrimRight(file, "/")
	return strings.Contains(file, "$STEPGATE_RUN") || strings.HasSuffix(file, ".part") || strings.HasSuffix(file, ".new") ||
		strings.HasPrefix(file, "/dev/null") || strings.HasPrefix(file, "/dev/std")
}

// destroys reports what can't be taken back and no gate stands before. paths
// are what it destroys, as far as that is files.
func (j *reading) destroys(n syntax.Node, what string, paths []string, holder syntax.Node) {
	mine := func(file string) bool {
		return ofThisRun(strings.TrimPrefix(file, "of=")) || strings.HasPrefix(file, "if=")
	}
	if len(paths) > 0 && !slices.ContainsFunc(paths, func(file string) bool { return !mine(file) }) {
		return
	}
	switch {
	case j.role == look:
		j.report(n, holder, "destructive", "a check only reads, and this one "+what, "make it the command of a step with a gate")
	case !j.around.gated:
		j.report(n, holder, "destructive", "the command "+what+" and no gate stands before it",
			"write > [!CAUTION] into the step and say what is lost; or work on files with $STEPGATE_RUN in their name")
	}
}

// overwrites reports a redirection onto a file that was there before.
func (j *reading) overwrites(n syntax.Node, file string, holder syntax.Node) {
	if what := runbook.Overwrites(file); what != "" {
		j.destroys(n, "overwrites "+what, []string{file}, holder)
	}
}

// piped reports a pipe into a shell.
func (j *reading) piped(to *syntax.Stmt, holder syntax.Node) {
	call, ok := to.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 {
		return
	}
	args := runbook.Unwrap(j.words(call.Args))
	if len(args) > 0 && runbook.IsShell(path.Base(args[0])) && (len(args) == 1 || args[1] == "-" || args[1] == "-s") {
		j.destroys(to, "runs whatever another command prints", nil, holder)
	}
}

// cluster reports a command for whichever cluster is the current one.
func (j *reading) cluster(n syntax.Node, args []string, holder syntax.Node) {
	name := path.Base(args[0])
	option, harmless := "--context", []string{"config", "version", "completion", "kustomize", "api-resources", "explain", "plugin"}
	switch name {
	case "kubectl", "oc":
	case "helm":
		option, harmless = "--kube-context", []string{"template", "lint", "repo", "package", "version", "search", "pull", "show", "dependency", "completion", "create", "env", "plugin"}
	default:
		return
	}
	for _, a := range args[1:] {
		if a == option || strings.HasPrefix(a, option+"=") || strings.HasPrefix(a, "--kubeconfig") || a == "--help" {
			return
		}
	}
	if files := operands(args); len(files) == 0 || slices.Contains(harmless, files[0]) {
		return
	}
	j.report(n, holder, "kubectl-context", name+" without "+option+" goes to whichever cluster is the current one", "name it: "+name+" "+option+"=\"$context\"")
}

// follows reports a command that goes on until somebody stops it.
func (j *reading) follows(n syntax.Node, wrapped, args []string, holder syntax.Node) {
	if j.fence.Background || slices.ContainsFunc(wrapped, func(a string) bool { return path.Base(a) == "timeout" }) {
		return
	}
	if says := endless(path.Base(args[0]), args[1:]); says != "" {
		j.report(n, holder, "endless", says+" doesn't end by itself", "give it an end, such as timeout 60s "+says+", or ask again and again with a {.check until=…}")
	}
}

// endless names a command line that doesn't end by itself, or returns "".
func endless(name string, args []string) string {
	has := func(words ...string) string {
		for _, a := range args {
			if slices.Contains(words, a) {
				return a
			}
		}
		return ""
	}
	option := ""
	switch name {
	case "tail":
		option = has("-f", "-F", "--follow", "-fn", "-n0f")
	case "journalctl", "docker", "podman":
		option = has("-f", "--follow")
		if option != "" && name != "journalctl" && !slices.Contains(args, "logs") {
			option = ""
		}
	case "kubectl", "oc":
		if option = has("-w", "--watch"); option == "" && slices.Contains(args, "logs") {
			option = has("-f", "--follow")
		}
	case "dmesg":
		option = has("-w", "--follow")
	case "watch":
		return "watch"
	case "ping":
		if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-c") || strings.HasPrefix(a, "-w") }) {
			return "ping"
		}
	case "top", "htop":
		if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") && strings.ContainsAny(a, "bn") }) {
			return name
		}
	}
	if option == "" {
		return ""
	}
	return name + " " + option
}

// detached reports a command that is to be kept alive and whose shell doesn't wait for
// what it starts.
func (j *reading) detached() {
	if j.role != command || !j.fence.Background || len(j.file.Stmts) == 0 {
		return
	}
	if last := j.file.Stmts[len(j.file.Stmts)-1]; last.Background {
		j.report(last, nil, "detached", "the shell ends at once: what it has started with & is not kept alive, and is started over and over again",
			"leave out the &, and write exec before the command")
	}
}

// endless reports a waiting loop in a command without a limit.
func (j *reading) endless() {
	_, bound := j.fence.Spans["timeout"]
	if j.role != command || j.fence.Timeout > 0 || bound || j.fence.Background {
		return
	}
	syntax.Walk(j.file, func(n syntax.Node) bool {
		loop, ok := n.(*syntax.WhileClause)
		if !ok {
			return true
		}
		sleeps, counts := false, false
		syntax.Walk(loop, func(in syntax.Node) bool {
			switch in := in.(type) {
			case *syntax.CallExpr:
				sleeps = sleeps || len(in.Args) > 0 && in.Args[0].Lit() == "sleep"
			case *syntax.ArithmExp, *syntax.ArithmCmd, *syntax.LetClause:
				counts = true // its tries
			}
			return true
		})
		if sleeps && !counts {
			j.report(loop, nil, "endless", "the loop waits without a limit", "write timeout= on the fence, or ask again and again with a {.check until=…}")
		}
		return !sleeps
	})
}
