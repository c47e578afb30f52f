package runbook

import (
	"time"

	"stepgate/checks"
)

// Pos is a place in a source file, counted from 1. Col counts bytes.
type Pos struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
}

// Runbook is a parsed file. All attributes are resolved: what a fence inherits
// stands in the fence.
type Runbook struct {
	File      string
	Source    []byte // the bytes it was parsed from; its closure
	Title     string
	Summary   string
	Confirm   string // default phrase of gates, a template; empty: "{{step}}"
	Annotated bool   // has +++ front matter; else a plain document
	Params    []Param
	Groups    []Group
	Prelude   map[string]string // interpreter → text put in front of its fences
	Root      *Section          // Level 0, no title; holds everything
}

// Param is a value the runbook needs.
type Param struct {
	Pos      Pos
	Name     string
	Prompt   string
	Help     string
	Type     ParamType
	Default  string
	HasDef   bool
	Choices  []string
	Pattern  string // regular expression that the whole value must match
	Required bool   // true unless `required = false` or a default is given
}

// ParamType is a parameter's type, as written.
type ParamType string

const (
	TypeString   ParamType = "string"
	TypeInt      ParamType = "int"
	TypeNumber   ParamType = "number"
	TypeBool     ParamType = "bool"
	TypeChoice   ParamType = "choice"
	TypeDuration ParamType = "duration"
	TypePath     ParamType = "path"
	TypeHost     ParamType = "host"
	TypeList     ParamType = "list"
)

// Group is what the runbook needs of the inventory.
type Group struct {
	Pos  Pos
	Name string
	Help string
	Vars []string // variables that each of its hosts must have
	Min  int      // default 1
	Max  int      // 0: no limit
}

// Item is what a section holds: a *Section or a *Step.
type Item interface{ item() }

// Section is a heading and what stands under it, or a task-list item with
// several commands.
type Section struct {
	Pos      Pos
	ID       string // last part of the path; unique among siblings
	Title    string // template
	Level    int    // of the heading; 0 for the root
	Prose    string // Markdown between the heading and its first item, when no step takes it
	Warnings []string
	Caution  string // Markdown; gates the entry, once per instance
	Confirm  string // phrase of that gate, a template
	Each     string // group to walk; empty: none
	OrderBy  *Expr
	Required bool
	Items    []Item
}

func (*Section) item() {}

// StepKind says what a step does.
type StepKind uint8

const (
	// Manual: something a person does and ticks.
	Manual StepKind = iota + 1
	// Check: checks only; it changes nothing.
	Check
	// Run: one command.
	Run
)

// Step is what is ticked.
type Step struct {
	Pos      Pos
	ID       string
	Title    string // template
	Kind     StepKind
	Prose    string   // Markdown, template
	Warnings []string // texts of WARNING alerts, Markdown
	Caution  string   // text of CAUTION alerts, Markdown; not empty: gated
	Judged   string   // why a plain document's command is gated by itself; empty: it isn't
	Confirm  string   // phrase, a template; empty: the reversible step's plain "y"
	Each     string   // group: one instance per host
	OrderBy  *Expr
	When     *Expr // nil: always applicable
	Required bool
	// Irreversible, Idempotent: the command's class. Neither, with Rollback: reversible.
	Irreversible bool
	Idempotent   bool

	Before   []*Fence // preconditions; in a Check step, all its checks
	Command  *Fence   // nil unless Kind is Run
	After    []*Fence // postconditions
	Rollback *Rollback
}

func (*Step) item() {}

// Gated reports whether a person must open the step.
func (s *Step) Gated() bool { return s.Caution != "" || s.Judged != "" || s.Irreversible }

// Rollback undoes a step.
type Rollback struct {
	Before  []*Fence // say when it is allowed
	Command *Fence
	After   []*Fence // say that it worked
}

// Fence is something to run with what is asked of it. A check over variables
// has no Lang and no Body.
type Fence struct {
	Pos     Pos
	Lang    string        // interpreter: sh, bash, python3, …
	Body    string        // as written, without prelude and options
	On      string        // group or host; empty: the host of the enclosing walk, else this machine
	Dir     string        // working directory, a template
	Timeout time.Duration // per try; 0: none for commands, DefaultCheckTimeout for checks
	Poll    Poll
	Expect  *checks.Expect  // nil: exit == 0
	Capture *checks.Capture // nil: none
	// Code of Expect and Capture as written, for people and for the digest.
	ExpectText, CaptureText string
}

// Poll repeats a check until it holds. The zero value is one try.
type Poll struct {
	Until time.Duration // in all
	Every time.Duration // between the starts of two tries
	Hold  time.Duration // it must hold for that long
}

// DefaultCheckTimeout ends one try of a check that names no timeout.
const DefaultCheckTimeout = 30 * time.Second

// DefaultEvery is the time between two tries of a poll that names none.
const DefaultEvery = 2 * time.Second

// Expr is an expression over variables.
type Expr struct {
	Pos   Pos
	Text  string
	Value *checks.Value
}
