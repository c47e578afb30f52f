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
	onMonitor        // a monitor fence
	onAssert         // an expect or a capture
	onAlone          // besides: any fence that is a step of its own, outside task lists
	onNote           // a documentation fence

	onRunnable = onCommand | onCheck | onRollback | onMonitor
	onStep     = onHeading | onTask | onAlone
)

// word is a record of the vocabulary. What a word with later asks for can be
// planned and not run; the text says what it would do.
type word struct {
	where place
	later string
}

var classes = map[string]word{
	"check":        {where: onCheck | onRollback},
	"rollback":     {where: onRollback | onCheck},
	"done":         {where: onCheck},
	"idempotent":   {where: onTask | onCommand},
	"irreversible": {where: onHeading | onTask | onCommand | onRollback},
	"required":     {where: onStep},
	"always":       {where: onStep},
	"include":      {where: onHeading | onTask},
	"per-host":     {where: onTask},
	"secret":       {where: onRunnable},
	"ignore":       {where: onRunnable | onNote},
	"tty":          {where: onCommand},

	"monitor":    {where: onMonitor},
	"background": {where: onCommand | onMonitor},
	"reboot":     {where: onCommand},
}

var attributes = map[string]word{
	"on":           {where: onStep | onRunnable | onAssert},
	"cwd":          {where: onStep | onRunnable},
	"user":         {where: onStep | onRunnable},
	"timeout":      {where: onStep | onRunnable},
	"when":         {where: onStep},
	"each":         {where: onStep},
	"batch":        {where: onStep},
	"canary":       {where: onStep},
	"soak":         {where: onStep},
	"order_by":     {where: onStep},
	"max_failures": {where: onStep},
	"pick":         {where: onTask | onCommand | onCheck},
	"parallel":     {where: onTask | onCommand},
	"ask":          {where: onTask},
	"choices":      {where: onTask},
	"until":        {where: onAssert | onCheck},
	"every":        {where: onAssert | onCheck | onMonitor},
	"hold":         {where: onAssert | onCheck},
	"fail_if":      {where: onCheck},
	"confirm":      {where: onStep},
	"db":           {where: onRunnable},
	"via":          {where: onRunnable},
	"direct":       {where: onCommand},
	"grace":        {where: onMonitor},
	"title":        {where: onAlone},

	"reconnect": {where: onCommand},
	"approvers": {onTask | onAlone, "approvers: a second person at the gate"},
}

// attributePrefixes are the families of attributes.
var attributePrefixes = map[string]word{
	"env.":  {where: onStep | onRunnable},
	"with.": {where: onHeading | onTask},
}

// attribute looks an attribute up.
func attribute(name string) (word, bool) {
	if w, ok := attributes[name]; ok {
		return w, true
	}
	if prefix, rest, ok := strings.Cut(name, "."); ok && rest != "" {
		w, ok := attributePrefixes[prefix+"."]
		return w, ok
	}
	return word{}, false
}

// attributeNames are all words for a did-you-mean, families by their form.
func attributeNames() []string {
	names := keys(attributes)
	for prefix := range attributePrefixes {
		names = append(names, prefix+"NAME")
	}
	return names
}

// fitting are the words that may stand at a place.
func fitting(m map[string]word, at place) []string {
	names := []string{}
	for name, w := range m {
		if w.where&at != 0 {
			names = append(names, name)
		}
	}
	return names
}

// languages are the interpreters whose fences are commands, by the word in the
// info string.
var languages = map[string]string{
	"sh": "sh", "shell": "sh", "dash": "dash", "bash": "bash", "zsh": "zsh", "ksh": "ksh", "mksh": "mksh",
	"python": "python", "python2": "python2", "python3": "python3", "ruby": "ruby", "perl": "perl", "node": "node",
	"console": "sh", "shell-session": "sh",
}

// forms are the fences that no interpreter reads. In a plain document they are
// documentation, unless attributes say otherwise.
var forms = map[string]Form{"sql": SQL, "http": HTTP, "tcp": TCP, "copy": Copy}

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
	case at&onMonitor != 0:
		return "a monitor"
	case at&onCheck != 0:
		return "a check"
	case at&onCommand != 0:
		return "a command"
	}
	return "a documentation fence"
}
