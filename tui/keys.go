package tui

import (
	"slices"

	"stepgate/runbook/run"
)

// scope is where a key means something. Within a scope every key has one
// meaning.
type scope uint8

const (
	inRun    scope = iota // the run screen
	inGate                // the gate dialog
	inStop                // the failure dialog
	inText                // a dialog with an input
	inChoice              // a dialog with a few answers
	inLogin               // the dialog of a login
	inHelp
)

// keyID names what a key does.
type keyID uint8

const (
	keyGo keyID = iota + 1
	keyAuto
	keyRetry
	keySkip
	keyDone
	keyFailed
	keyProbe
	keyRollBack
	keyExclude
	keyPostpone
	keyInclude
	keyCall
	keyOnward
	keyYes
	keyStop
	keyFinish
	keyPause
	keyAbort
	keyNote
	keyMenu
	keyNextPane
	keyPrevPane
	keyUp
	keyDown
	keyPageUp
	keyPageDown
	keyTop
	keyEnd
	keyOpen
	keyClose
	keyToggle
	keyReturn
	keyStreams
	keyWhole
	keyHelp
	keyLeave
	keyInterrupt
	keyEnter
	keyCancel
	keyErase
	keyUnfold
)

// binding is one line of the keymap.
type binding struct {
	ID    keyID
	Keys  []string // as Bubble Tea names them
	In    []scope
	Short string // for the footer; empty: not shown there
	Long  string // for the help
	Group string
	Verb  run.Verb // the action it asks for, if any
}

// keymap is every key. Footer, help and the table in the documentation are made
// from it.
var keymap = []binding{
	{keyGo, []string{"enter"}, []scope{inRun}, "run", "do what is next: run the step, tick it, answer its question, open the gate, look at what stopped; from elsewhere in the tree, come back first", "Run", run.VerbGo},
	{keyAuto, []string{"a"}, []scope{inRun}, "auto", "go on by itself until a person is needed, on or off", "Run", ""},
	{keyMenu, []string{"m"}, []scope{inRun}, "remedies", "show what can be done: about a failed or unknown step, behind a canary, at the next rollback", "Run", ""},
	{keyRetry, []string{"r"}, []scope{inRun, inStop}, "retry", "run a failed step again", "Run", run.VerbRetry},
	{keySkip, []string{"s"}, []scope{inRun, inStop}, "skip", "leave the step out, with a reason", "Run", run.VerbSkip},
	{keyDone, []string{"e"}, []scope{inRun, inStop}, "evidence", "mark the step done, with evidence", "Run", run.VerbMarkDone},
	{keyFailed, []string{"f"}, []scope{inRun, inStop}, "", "settle an unknown step as failed, with a reason", "Run", run.VerbMarkFailed},
	{keyProbe, []string{"p"}, []scope{inRun, inStop}, "", "ask the host again, and take the checks again", "Run", run.VerbProbe},
	{keyRollBack, []string{"b"}, []scope{inRun, inStop}, "", "undo the step, its instance or its section, newest first, each shown before it runs", "Run", run.VerbRollBack},
	{keyExclude, []string{"E"}, []scope{inRun, inStop}, "", "take the instance out of its walk, with a reason, and go on", "Run", run.VerbExclude},
	{keyPostpone, []string{"L"}, []scope{inRun, inStop}, "", "move the instance to the end of its walk, and go on", "Run", run.VerbPostpone},
	{keyInclude, []string{"I"}, []scope{inRun, inStop}, "", "put an instance that was taken out back into its walk", "Run", run.VerbInclude},
	{keyCall, []string{"C"}, []scope{inRun, inStop}, "", "run a step that is offered whenever the run stops, out of its place", "Run", run.VerbCall},
	{keyOnward, []string{"g"}, []scope{inStop}, "", "behind a canary: go on with the rest, once it has soaked", "Run", run.VerbGo},
	{keyYes, []string{"y"}, []scope{inStop}, "", "roll back what is shown, once it has been read to its end", "Run", run.VerbGo},
	{keyStop, []string{"x"}, []scope{inRun}, "stop", "stop what is running now; once more kills it", "Run", run.VerbStopNow},
	{keyFinish, []string{"F"}, []scope{inRun, inStop}, "finish, then stop", "finish the step, the instance or the section that is open, then pause; also while something runs", "Run", run.VerbFinish},
	{keyPause, []string{"P"}, []scope{inRun, inStop}, "", "pause the run before the next step", "Run", run.VerbPause},
	{keyAbort, []string{"A"}, []scope{inRun, inStop}, "", "close the run as it stands", "Run", run.VerbAbort},
	{keyNote, []string{"n"}, []scope{inRun, inStop}, "note", "put a note on the timeline", "Run", run.VerbNote},

	{keyUp, []string{"up", "k"}, []scope{inRun, inStop, inChoice, inHelp}, "", "one up: in the tree, or in the pane that has the keys", "Look", ""},
	{keyDown, []string{"down", "j"}, []scope{inRun, inStop, inChoice, inHelp}, "", "one down", "Look", ""},
	{keyPageUp, []string{"pgup", "ctrl+u"}, []scope{inRun, inStop, inHelp}, "", "a page up", "Look", ""},
	{keyPageDown, []string{"pgdown", "ctrl+d"}, []scope{inRun, inStop, inHelp}, "", "a page down", "Look", ""},
	{keyTop, []string{"home", "g"}, []scope{inRun}, "", "to the first line", "Look", ""},
	{keyEnd, []string{"end", "G"}, []scope{inRun}, "", "to the last line; output follows again", "Look", ""},
	{keyOpen, []string{"right", "l"}, []scope{inRun}, "", "unfold", "Look", ""},
	{keyClose, []string{"left", "h"}, []scope{inRun}, "", "fold", "Look", ""},
	{keyToggle, []string{"space"}, []scope{inRun}, "", "fold or unfold", "Look", ""},
	{keyReturn, []string{"esc", "c"}, []scope{inRun}, "back", "back to where the run stands", "Look", ""},
	{keyNextPane, []string{"tab"}, []scope{inRun}, "pane", "give the keys to the next pane: steps, step, output", "Look", ""},
	{keyPrevPane, []string{"shift+tab"}, []scope{inRun}, "", "give the keys to the pane before", "Look", ""},
	{keyStreams, []string{"o"}, []scope{inRun}, "", "output: both streams, stdout only, stderr only", "Look", ""},
	{keyWhole, []string{"t"}, []scope{inRun}, "steps", "the whole tree, on a narrow screen", "Look", ""},

	{keyHelp, []string{"?"}, []scope{inRun, inStop}, "help", "this page", "Screen", ""},
	{keyLeave, []string{"q"}, []scope{inRun}, "leave", "leave; the run stays and can be resumed", "Screen", ""},
	{keyInterrupt, []string{"ctrl+c"}, []scope{inRun, inGate, inStop, inText, inChoice, inLogin, inHelp}, "", "leave, asking first while something runs; closes a dialog", "Screen", ""},

	{keyEnter, []string{"enter"}, []scope{inGate, inText, inLogin}, "answer", "take what was typed; at a gate, Enter alone is No", "Dialogs", ""},
	{keyEnter, []string{"enter"}, []scope{inStop, inChoice}, "choose", "choose what is under the cursor", "Dialogs", ""},
	{keyCancel, []string{"esc"}, []scope{inGate}, "decline", "decline the gate", "Dialogs", ""},
	{keyCancel, []string{"esc"}, []scope{inLogin}, "decline", "decline to answer a login: nothing is typed, and it fails", "Dialogs", ""},
	{keyCancel, []string{"esc"}, []scope{inText, inChoice, inHelp}, "close", "close the dialog, nothing is done", "Dialogs", ""},
	{keyCancel, []string{"esc", "q"}, []scope{inStop}, "look around", "look around; m brings the remedies back", "Dialogs", ""},
	{keyErase, []string{"backspace"}, []scope{inGate}, "", "take back the last character", "Dialogs", ""},
	{keyUnfold, []string{"tab"}, []scope{inGate}, "", "show what runs before the command's own text", "Dialogs", ""},
	{keyUp, []string{"up"}, []scope{inGate}, "", "one line up", "Dialogs", ""},
	{keyDown, []string{"down"}, []scope{inGate}, "", "one line down", "Dialogs", ""},
	{keyPageUp, []string{"pgup", "ctrl+u"}, []scope{inGate}, "", "a page up", "Dialogs", ""},
	{keyPageDown, []string{"pgdown", "ctrl+d"}, []scope{inGate}, "read on", "a page down; so does space until all has been read", "Dialogs", ""},
}

// lookup returns what a key does in a scope.
func lookup(s scope, key string) (binding, bool) {
	for _, b := range keymap {
		if slices.Contains(b.In, s) && slices.Contains(b.Keys, key) {
			return b, true
		}
	}
	return binding{}, false
}

// bound returns the binding of an id in a scope.
func bound(s scope, id keyID) binding {
	for _, b := range keymap {
		if b.ID == id && slices.Contains(b.In, s) {
			return b
		}
	}
	return binding{}
}

// keyName is a key as the operator reads it.
func keyName(k, enter string) string {
	switch k {
	case "enter":
		return enter
	case "pgdown":
		return "pgdn"
	default:
		return k
	}
}
