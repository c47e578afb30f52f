package run

import "time"

// Action is what an operator may ask for. The set is closed.
type Action interface{ action() }

// Go starts what is next: takes the checks, runs the command, or opens the gate.
type Go struct{}

// Answer answers the gate that is shown. An empty or wrong phrase declines it.
// Pre is the argv of a pre-grant, empty when a person typed.
type Answer struct {
	Gate  string
	Typed string
	Pre   string
}

// Retry makes a failed or rolled back cell pending again. Typed is needed where
// [Availability.Phrase] says so.
type Retry struct{ Typed string }

// Skip leaves the cell out.
type Skip struct{ Reason string }

// MarkDone ticks a manual step, or settles a failed or unknown cell as done.
type MarkDone struct{ Evidence string }

// MarkFailed settles an unknown cell as failed.
type MarkFailed struct{ Reason string }

// Probe asks the host again what became of an unknown attempt, and takes the
// checks again.
type Probe struct{}

// RollBack undoes this step, or queues all of a scope. An empty Scope is the step.
type RollBack struct{ Scope RollbackScope }

// Reply answers the question of an ask step.
type Reply struct{ Value string }

// Exclude takes the cell's instance out of its innermost walk and goes on.
type Exclude struct{ Reason string }

// Postpone moves the cell's instance to the end of its innermost walk.
type Postpone struct{ Why string }

// Include puts an excluded instance back into its walk.
type Include struct{ Walk, Instance string }

// FinishThenStop pauses the run once a path is settled; "" takes it back.
type FinishThenStop struct{ After string }

// Call brings a step of class `always` forward.
type Call struct{ Cell Key }

// StopNow sends TERM, or KILL, to the command that is running, or ends a poll.
type StopNow struct{ Kill bool }

// Pause stops the run between two steps, to be resumed later.
type Pause struct{ Why string }

// Continue ends a pause.
type Continue struct{}

// Abort closes the run where it stands.
type Abort struct{ Why string }

// Respond answers what a login asks ([Snapshot.Prompt]), whatever else goes on.
// With Decline nothing is typed, and the login fails.
type Respond struct {
	Prompt  string
	Text    string
	Decline bool
}

// AddNote puts a remark on the timeline.
type AddNote struct{ Text string }

// Edit runs a failed cell's command with another text: its body, byte for byte.
// It passes a gate that shows the difference, and is recorded as off-book. Typed is
// needed where [Availability.Phrase] says so.
type Edit struct{ Body, Typed string }

// AdHoc runs a command that isn't in the runbook on a host of the plan, or
// [plan.Local]. It is recorded as off-book. An empty Interpreter is sh. With TTY it
// has the operator's terminal; then an empty Body is a shell, and what is typed there
// is not recorded.
type AdHoc struct {
	Where       string
	Interpreter string
	Body        string
	TTY         bool
}

// Jump goes on at a later cell: everything before it that isn't settled is left out.
// Typed is needed where [Leap.Phrase] says so.
type Jump struct {
	To     Key
	Reason string
	Typed  string
}

// Again makes a settled cell pending again, to be run once more through a gate.
type Again struct {
	Cell  Key
	Typed string // where [Run.Repeatable] has a phrase
}

// Acknowledge goes on although monitors were red ([Run.Held]). Episodes is how many
// times they were, as far as was shown ([Run.Unacknowledged]): it is refused as stale when
// there are more.
type Acknowledge struct {
	Reason   string
	Episodes int
}

func (Acknowledge) action()    {}
func (Edit) action()           {}
func (AdHoc) action()          {}
func (Jump) action()           {}
func (Again) action()          {}
func (Go) action()             {}
func (Answer) action()         {}
func (Retry) action()          {}
func (Skip) action()           {}
func (MarkDone) action()       {}
func (MarkFailed) action()     {}
func (Probe) action()          {}
func (RollBack) action()       {}
func (StopNow) action()        {}
func (Reply) action()          {}
func (Exclude) action()        {}
func (Postpone) action()       {}
func (Include) action()        {}
func (FinishThenStop) action() {}
func (Call) action()           {}
func (Pause) action()          {}
func (Continue) action()       {}
func (Abort) action()          {}
func (AddNote) action()        {}
func (Respond) action()        {}

// Verb names a kind of action, for keys, menus and availability.
type Verb string

const (
	VerbGo          Verb = "go"
	VerbAnswer      Verb = "answer"
	VerbRetry       Verb = "retry"
	VerbSkip        Verb = "skip"
	VerbMarkDone    Verb = "mark done"
	VerbMarkFailed  Verb = "mark failed"
	VerbProbe       Verb = "probe"
	VerbRollBack    Verb = "roll back"
	VerbStopNow     Verb = "stop now"
	VerbPause       Verb = "pause"
	VerbContinue    Verb = "continue"
	VerbAbort       Verb = "abort"
	VerbNote        Verb = "note"
	VerbReply       Verb = "reply"
	VerbExclude     Verb = "exclude"
	VerbPostpone    Verb = "postpone"
	VerbInclude     Verb = "include"
	VerbFinish      Verb = "finish, then stop"
	VerbCall        Verb = "call"
	VerbRespond     Verb = "respond"
	VerbEdit        Verb = "edit and retry"
	VerbAdHoc       Verb = "ad hoc"
	VerbJump        Verb = "jump"
	VerbAgain       Verb = "run again"
	VerbAcknowledge Verb = "acknowledge"
)

// VerbOf names an action.
func VerbOf(a Action) Verb {
	switch a.(type) {
	case Go:
		return VerbGo
	case Answer:
		return VerbAnswer
	case Retry:
		return VerbRetry
	case Skip:
		return VerbSkip
	case MarkDone:
		return VerbMarkDone
	case MarkFailed:
		return VerbMarkFailed
	case Probe:
		return VerbProbe
	case RollBack:
		return VerbRollBack
	case StopNow:
		return VerbStopNow
	case Pause:
		return VerbPause
	case Continue:
		return VerbContinue
	case Abort:
		return VerbAbort
	case AddNote:
		return VerbNote
	case Reply:
		return VerbReply
	case Exclude:
		return VerbExclude
	case Postpone:
		return VerbPostpone
	case Include:
		return VerbInclude
	case FinishThenStop:
		return VerbFinish
	case Call:
		return VerbCall
	case Respond:
		return VerbRespond
	case Edit:
		return VerbEdit
	case AdHoc:
		return VerbAdHoc
	case Jump:
		return VerbJump
	case Again:
		return VerbAgain
	case Acknowledge:
		return VerbAcknowledge
	}
	return ""
}

// Availability says whether an action applies now.
type Availability struct {
	Verb   Verb   `json:"verb"`
	Why    string `json:"why,omitempty"`    // why it doesn't; empty: it does
	Phrase string `json:"phrase,omitempty"` // must be typed with it
	Says   string `json:"says"`             // what it will do, one line
}

// OK reports whether the action applies.
func (a Availability) OK() bool { return a.Why == "" }

// StaleError refuses an action that was meant for a state the run has left.
type StaleError struct{ Key Key }

func (e *StaleError) Error() string {
	return "the run has moved on since that was shown; look again at " + e.Key.String()
}

// NotNowError refuses an action that doesn't apply.
type NotNowError struct {
	Verb Verb
	Why  string
}

func (e *NotNowError) Error() string { return string(e.Verb) + " does not apply now: " + e.Why }

// Wait says what the run waits for.
type Wait string

const (
	WaitNothing Wait = ""        // it is at work
	WaitGo      Wait = "go"      // the next step is ready
	WaitManual  Wait = "manual"  // a person does something and ticks it
	WaitGate    Wait = "gate"    // the phrase
	WaitFailure Wait = "failure" // a decision about a failed or rolled back cell
	WaitUnknown Wait = "unknown" // a decision about an unknown cell
	WaitAsk     Wait = "ask"     // a question of the runbook
	WaitBatch   Wait = "batch"   // the canary is through: soak, then a person's word
	WaitUndo    Wait = "undo"    // the next rollback of a queue, previewed
	WaitMonitor Wait = "monitor" // a monitor was red: a person's word before what is next
	WaitPaused  Wait = "paused"
	WaitClosed  Wait = "closed"
)

// Snapshot is a consistent, immutable view of a run at one moment.
type Snapshot struct {
	Run      *Run
	Current  Key    // the cell the run stands at; zero when closed
	Seq      uint64 // to be passed back with an action on Current
	Wait     Wait
	With     []Key          // cells that go together with Current: one step at several places
	Actions  []Availability // for Current, in menu order
	Busy     *Activity      // what is going on at Current; nil when waiting
	Beside   []Activity     // what is going on at other cells; Cell says which
	Soak     time.Time      // of WaitBatch: when the soak is over
	Finish   []string       // paths that "finish, then stop" may name, innermost first
	Stop     string         // the path it was asked for; empty: none
	Always   []Key          // cells of class `always` that may be called now
	Prompt   *Prompt        // what a login needs of a person, before all else; nil: nothing
	Hosts    map[string]HostState
	Keeping  []Keeping                // background processes, in the plan's order
	Usual    map[string]time.Duration // how long steps took in earlier runs, by [Key.StepID]
	Until    time.Time                // the end of the change window; zero: none
	Notice   string                   // the engine's last word to the operator, one line
	At       time.Time                // when it was taken
	ReadOnly string                   // why nothing more can be journaled; empty normally
	// TakenOver is who drives the run instead, from a lease that was taken by force;
	// empty: it is driven here.
	TakenOver string
}

// Keeping is what is going on at a background process.
type Keeping struct {
	Cell    Key
	Monitor string // path of the monitor that it is read for; empty: the cell's command
	Where   string
	State   string    // starting, up, down, ending
	Since   time.Time // of the state
	Next    time.Time // of down: when it is started again
	Attempt string    // the latest; empty: none yet
	Starts  int       // how often it was started in this run
	Why     string    // of down, one line; untrusted
}

// HostState is the connection to a host.
type HostState struct {
	State string // "", connecting, connected, lost
	Error string
	Hint  string
}

// Activity is what is going on at the current cell.
type Activity struct {
	Cell     Key
	What     string // connect, check, command, rollback, probe, or one of the constants below
	Phase    Phase  // of checks
	Since    time.Time
	Looks    []Look        // of checks
	Attempt  string        // of a command
	Bytes    [2]int64      // its output so far
	Timeout  time.Duration // of a command, or of a wait for a host; 0: none
	Try      int           // of reaching a host; 0: the first
	Detail   string        // of a copy, or of a wait for a host, one line; may hold the host's words: untrusted
	Stopping bool

	Done, Total int64  // of a copy: bytes that are there, and of all files; Total is 0 until it is known
	File        string // of a copy: what is being sent; untrusted
}

// What is going on at a cell beside connecting, checks, commands and probes.
const (
	AtTerminal   = "terminal"  // its command has the operator's terminal
	Copying      = "copy"      // files are copied; Detail is what is being done
	Reconnecting = "reconnect" // its host was lost, and is tried again; the command may still be running
	Returning    = "return"    // its host, which the step sends away, is waited for
)

// Away reports whether a host is waited for. The operator may do something else
// than wait.
func (a *Activity) Away() bool { return a.What == Reconnecting || a.What == Returning }

// Look is a check that is being taken.
type Look struct {
	Fence int // index in its phase
	Where string
	Try   int
	Since time.Time
	Until time.Duration // 0: one try
	Every time.Duration
	Hold  time.Duration // how long it must hold
	Held  time.Time     // since when it has; zero: it doesn't
	Done  bool
	Last  CheckResult // of the last try; Tries 0: none yet
	// Trends are the numbers that a poll captures, try by try; at most [MaxTrend] of
	// each, the latest.
	Trends []Trend
}

// Trend is how a number went.
type Trend struct {
	Name   string
	Values []float64 // the latest last
}

// MaxTrend is how many values of a number are kept to be drawn.
const MaxTrend = 60

// Action returns the availability of a verb at the current cell.
func (s *Snapshot) Action(v Verb) Availability {
	for _, a := range s.Actions {
		if a.Verb == v {
			return a
		}
	}
	return Availability{Verb: v, Why: "not at this point"}
}
