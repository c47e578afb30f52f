package keys

// ID names what a key does. The configuration names it by its String.
type ID uint8

const (
	Go ID = iota + 1
	Auto
	Retry
	Skip
	Done
	Failed
	Probe
	RollBack
	Exclude
	Postpone
	Include
	Call
	Onward
	Yes
	Stop
	Finish
	Pause
	Abort
	Note
	Menu
	NextPane
	PrevPane
	Up
	Down
	PageUp
	PageDown
	Top
	End
	Open
	Close
	Toggle
	Return
	Streams
	Whole
	Help
	Leave
	Interrupt
	Enter
	Cancel
	Erase
	Unfold
	Matrix
	Timeline
	Palette
	AdHoc
	Shell
	Edit
	Jump
	Again
	Search
	Next
	Prev
	Wrap
	Zoom
	Pager
	NextPlace
	PrevPlace
	Copy
	Left
	Right
	Filter
	Begin
	Demo
	Watch
	UndoRetry
	Acknowledge
	Monitors
	ids
)

var names = [ids]string{
	Go:          "run",
	Auto:        "auto",
	Retry:       "retry",
	Skip:        "skip",
	Done:        "evidence",
	Failed:      "mark-failed",
	Probe:       "probe",
	RollBack:    "roll-back",
	Exclude:     "exclude",
	Postpone:    "to-the-end",
	Include:     "include",
	Call:        "call",
	Onward:      "onward",
	Yes:         "yes",
	Stop:        "stop",
	Finish:      "finish",
	Pause:       "pause",
	Abort:       "abort",
	Note:        "note",
	Menu:        "remedies",
	NextPane:    "next-pane",
	PrevPane:    "previous-pane",
	Up:          "up",
	Down:        "down",
	PageUp:      "page-up",
	PageDown:    "page-down",
	Top:         "top",
	End:         "end",
	Open:        "unfold",
	Close:       "fold",
	Toggle:      "fold-or-unfold",
	Return:      "back",
	Streams:     "streams",
	Whole:       "tree",
	Help:        "help",
	Leave:       "leave",
	Interrupt:   "interrupt",
	Enter:       "answer",
	Cancel:      "close-dialog",
	Erase:       "erase",
	Unfold:      "show-prelude",
	Matrix:      "matrix",
	Timeline:    "timeline",
	Palette:     "palette",
	AdHoc:       "command",
	Shell:       "shell",
	Edit:        "edit",
	Jump:        "jump",
	Again:       "run-again",
	Search:      "search",
	Next:        "next-match",
	Prev:        "previous-match",
	Wrap:        "wrap",
	Zoom:        "whole-screen",
	Pager:       "pager",
	NextPlace:   "next-place",
	PrevPlace:   "previous-place",
	Copy:        "copy",
	Left:        "left",
	Right:       "right",
	Filter:      "filter",
	Begin:       "begin",
	Demo:        "demo",
	Watch:       "watch",
	UndoRetry:   "roll-back-and-retry",
	Acknowledge: "acknowledge",
	Monitors:    "monitors",
}

// String is the name that the configuration has for it.
func (i ID) String() string { return names[i] }
