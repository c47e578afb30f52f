package keys

// Scope is where a key means something. Within a scope every key has one meaning.
type Scope uint8

const (
	InRun       Scope = iota // the run screen
	InOutput                 // the output, while it has the keys: what it doesn't bind is the run screen's
	InGate                   // the gate dialog
	InStop                   // the failure dialog
	InText                   // a dialog with an input
	InChoice                 // a dialog with a few answers
	InLogin                  // the dialog of a login
	InHelp                   // the page of keys
	InPage                   // the output over the whole screen
	InMatrix                 // hosts by steps
	InMonitors               // the chart of a monitor
	InTimeline               // every event
	InPalette                // the command palette
	InHome                   // what can be resumed and begun
	InForm                   // the parameters of a run to be begun
	InPreflight              // before anything is run
	InCommand                // a command that isn't in the runbook, or a shell, and where
	InDiff                   // a changed command, before it is taken
	scopes
)

// String names the scope as docs/keys.md does.
func (s Scope) String() string {
	return [...]string{
		"run screen", "output", "gate", "failure", "text", "choice", "login", "help", "output, whole screen",
		"host matrix", "monitors", "timeline", "palette", "home", "start form", "preflight", "command", "changed command",
	}[s]
}
