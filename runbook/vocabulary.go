package runbook

import "strings"

// place is a set of places where a class or an attribute may stand.
type place uint16

const (
	onHeading  place = 1 << iota
	onTask           // the first line of a task-list item
	onCommand        // a command fence
	onCheck          // a check fence
	onRollback       // a rollback fence
	onAssert         // an expect or a capture
	onAlone          // besides: any fence that is a step of its own, outside task lists
	onNote           // a documentation fence

	onRunnable = onCommand | onCheck | onRollback
	onStep     = onHeading | onTask | onAlone
)

// word is a record of the vocabulary. A word with later is recognised and
// refused; the text says what it would do.
type word struct {
	where place
	later string
}

var classes = map[string]word{
	"check":        {where: onCheck | onRollback},
	"rollback":     {where: onRollback | onCheck},
	"idempotent":   {where: onTask | onCommand},
	"irreversible": {where: onHeading | onTask | onCommand | onRollback},
	"required":     {where: onStep},
	"ignore":       {where: onRunnable | onNote},

	"done":       {later: ".done: a probe that finds the step done already"},
	"always":     {later: ".always: steps offered whenever the section fails"},
	"monitor":    {later: ".monitor: a fence sampled beside the run"},
	"background": {later: ".background: a command kept alive beside the run"},
	"reboot":     {later: ".reboot: a command that takes its host down"},
	"tty":        {later: ".tty: a command that takes over the terminal"},
	"secret":     {later: ".secret: output that is never stored"},
	"include":    {later: ".include: steps of another file"},
	"per-host":   {later: ".per-host: a question asked once per host"},
}

var attributes = map[string]word{
	"on":       {where: onStep | onRunnable | onAssert},
	"cwd":      {where: onStep | onRunnable},
	"timeout":  {where: onStep | onRunnable},
	"when":     {where: onStep},
	"each":     {where: onHeading | onTask},
	"batch":    {where: onHeading | onTask},
	"order_by": {where: onHeading | onTask},
	"confirm":  {where: onStep},
	"title":    {where: onAlone},
	"until":    {where: onCheck},
	"every":    {where: onCheck},
	"hold":     {where: onCheck},

	"user":         {later: "user: another user on the host"},
	"canary":       {later: "canary: hosts walked first"},
	"soak":         {later: "soak: a pause behind the canary"},
	"max_failures": {later: "max_failures: a budget of failed hosts (now the first failure stops the run)"},
	"pick":         {later: "pick: the first host for which an expression holds"},
	"parallel":     {later: "parallel: a command on several hosts at a time"},
	"ask":          {later: "ask: a question at a step"},
	"choices":      {later: "choices of a question at a step"},
	"fail_if":      {later: "fail_if: an early end of a poll"},
	"approvers":    {later: "approvers: a second person at the gate"},
	"db":           {later: "db: connections"},
	"via":          {later: "via: connections through a host"},
	"reconnect":    {later: "reconnect: a host that goes away and comes back"},
	"grace":        {later: "grace: how long a monitor may fail"},
}

// attributePrefixes are the families of attributes, all of them later.
var attributePrefixes = map[string]string{
	"env.":  "env.NAME: a variable computed by an expression (a parameter or capture reaches the command already)",
	"with.": "with.NAME: values for an included file",
}

// attribute looks an attribute up.
func attribute(name string) (word, bool) {
	if w, ok := attributes[name]; ok {
		return w, true
	}
	for prefix, later := range attributePrefixes {
		if strings.HasPrefix(name, prefix) {
			return word{later: later}, true
		}
	}
	return word{}, false
}

// languages are the interpreters whose fences are commands, by the word in the
// info string.
var languages = map[string]string{
	"sh": "sh", "shell": "sh", "dash": "dash", "bash": "bash", "zsh": "zsh", "ksh": "ksh", "mksh": "mksh",
	"python": "python", "python2": "python2", "python3": "python3", "ruby": "ruby", "perl": "perl", "node": "node",
	"console": "sh", "shell-session": "sh",
}

// laterLanguages are the fences that are recognised and refused.
var laterLanguages = map[string]string{
	"sql":  "sql fences",
	"http": "http fences",
	"tcp":  "tcp fences",
	"copy": "copy fences",
}

// isShell reports whether an interpreter reads shell language.
func isShell(interpreter string) bool {
	switch interpreter {
	case "sh", "dash", "bash", "zsh", "ksh", "mksh":
		return true
	}
	return false
}

// commonInfo are info strings of documentation that resemble fences of ours.
var commonInfo = map[string]bool{"text": true, "bat": true, "fish": true, "csh": true, "tcsh": true, "ssh": true, "rust": true, "lua": true}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

// usable are the words that this version can do.
func usable(m map[string]word) []string {
	var out []string
	for name, w := range m {
		if w.later == "" {
			out = append(out, name)
		}
	}
	return out
}

// placeName says where something stands, for messages.
func placeName(at place) string {
	switch {
	case at&onHeading != 0:
		return "a heading"
	case at&onTask != 0:
		return "a task-list item"
	case at&onRollback != 0:
		return "a rollback fence"
	case at&onAssert != 0:
		return "an expect or a capture"
	case at&onCheck != 0:
		return "a check"
	case at&onCommand != 0:
		return "a command"
	}
	return "a documentation fence"
}
