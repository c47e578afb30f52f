package runbook

import (
	"cmp"
	"strings"
	"time"

	"stepgate/checks"
)

// Pos is a place in a source file, counted from 1. Col counts bytes.
type Pos struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
}

// Runbook is a parsed file with the files it includes. All attributes are
// resolved: what a fence inherits stands in the fence.
type Runbook struct {
	File        string
	Sources     []Source // the closure: the file itself, then each included file once, in the order met
	Title       string
	Summary     string
	Confirm     string // default phrase of gates, a template; empty: "{{step}}"
	Annotated   bool   // has +++ front matter; else a plain document
	Params      []Param
	Groups      []Group
	Prelude     map[string]string // interpreter → text put in front of its fences
	Languages   map[string]*Language
	Connections map[string]*Connection
	Tools       []*Tool  // in the order met
	Root        *Section // Level 0, no title; holds everything
	// Later is what the runbook uses and this version can plan and not run, each
	// an error with the rule "not-yet". A run refuses to start while there is any.
	Later []Diagnostic
}

// Source is one file of a runbook's closure.
type Source struct {
	Name string // as in diagnostics; an included file's is relative to the runbook's directory, with slashes
	Text []byte
}

// Language is a command language of [languages].
type Language struct {
	Pos     Pos
	Name    string
	Run     string // shell line that gets the body as the file $STEPGATE_BODY
	Literal string // how {{name}} is written in a body: sql, c or json; empty: it may not stand there
}

// Connection is a database that sql fences speak to. Its texts are templates
// over parameters, host variables and captures.
type Connection struct {
	Pos                        Pos
	Name, Help                 string
	Driver                     string // mysql, postgres or sqlite; empty: a part needs it, the includer defines it
	Host, Port, User, Password string
	Database                   string // of sqlite: the file
	TLS                        string // "", true, skip-verify, or the path of a CA file
	Via                        string // host or group of one, through whose SSH connection it goes
	Hosts                      string // group whose hosts are candidates, in inventory order; the first that Pick holds for and that answers
	Pick                       *Expr  // over it.NAME; nil: any
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
	Secret   bool   // kept in memory only, masked everywhere
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
	Each     *Each  // nil: once
	Part     *Part  // it stands for an include: its names are its own
	Required bool
	Items    []Item
}

// Each says what a section or step is repeated over.
type Each struct {
	Pos   Pos
	Group string // hosts walked; with Name: the group whose hosts' variable Name is walked
	Name  string // what the value, and the group of its hosts, is called inside
	List  string // parameter whose elements are walked
	// Batch is how many instances go at a time, in lockstep; 0: all at once. The
	// default is one. With Percent it is a share of the walk, at least one.
	Batch       int
	Percent     bool
	Canary      int           // instances that go first, as a batch of their own; 0: none
	Soak        time.Duration // how long the rest waits behind the canary, before a person says go
	OrderBy     *Expr
	MaxFailures int // instances that may fail before the walk stops
}

// Part is an included file or section.
type Part struct {
	File   string            // empty: a section of the same file
	Params []Param           // what it declares; its expressions and commands see these and no outer parameter
	With   map[string]string // values by name, templates of the including place; the others come from the outer parameter of the same name, else the default
	Own    bool              // a section of the same file: outer names stay visible
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
	// Ask: a question whose answer is kept as a value.
	Ask
	// Watch: monitors only; they begin here and last to the end of the section.
	Watch
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
	Each     *Each    // nil: once
	When     *Expr    // nil: always applicable
	Required bool
	Always   bool      // offered whenever its section is open and the run has stopped
	Question *Question // of an Ask step
	// Approvers is how many people must open the gate; 0 and 1: one.
	Approvers int
	// Irreversible, Idempotent: the command's class. Neither, with Rollback: reversible.
	Irreversible bool
	Idempotent   bool

	Done     []*Fence // probes: if all hold, the step is done already
	Before   []*Fence // preconditions; in a Check step, all its checks
	Command  *Fence   // nil unless Kind is Run
	After    []*Fence // postconditions
	Rollback *Rollback
	Monitors []*Fence // sampled from this step to the end of its section
}

func (*Step) item() {}

// Question is what an Ask step wants to know.
type Question struct {
	Param   Param // its name, type, choices, pattern, default and prompt
	Given   bool  // [params.NAME] exists: a value given for it is proposed
	PerHost bool  // asked in every instance of the walk; else once per run
}

// Gated reports whether a person must open the step.
func (s *Step) Gated() bool { return s.Caution != "" || s.Judged != "" || s.Irreversible }

// Rollback undoes a step.
type Rollback struct {
	Before  []*Fence // say when it is allowed
	Command *Fence
	After   []*Fence // say that it worked
}

// Form is what kind of thing a fence is.
type Form uint8

const (
	// Variables: nothing is run; expressions over variables.
	Variables Form = iota
	// Script: a program for an interpreter, on a host.
	Script
	// SQL: statements over a connection, in one session.
	SQL
	// HTTP: one request in the form of .http files.
	HTTP
	// TCP: lines "host:port" and "closed host:port".
	TCP
	// Copy: files from one host to another.
	Copy
)

// Fence is something to run with what is asked of it.
type Fence struct {
	Pos        Pos
	Form       Form
	Lang       string        // interpreter of a Script: sh, bash, python3, …
	Language   *Language     // of [languages]; nil: Lang reads the body itself
	Connection *Connection   // of SQL
	Body       string        // as written, without prelude and options
	On         string        // group or host; empty: the host of the enclosing walk, else this machine. Of SQL, HTTP and TCP: whose variables
	Pick       *Expr         // with a group in On: the first host for which it is true
	Parallel   int           // with a group in On: commands at a time; 0: one
	Via        string        // host whose connection SQL, HTTP and TCP go through, a template; empty: from this machine
	Dir        string        // working directory, a template
	User       string        // whom to become on the host, a template; empty: nobody else
	Login      bool          // in a login shell
	Env        []EnvVar      // beside the values, nearest wins; sorted by name
	Timeout    time.Duration // per try; 0: none for commands, DefaultCheckTimeout for checks
	Poll       Poll
	// Spans are lengths of time that come from values: attribute (timeout, until,
	// every, hold, reconnect, grace) → template. A plan binds them.
	Spans   map[string]string
	Expect  *checks.Expect  // nil: exit == 0
	Capture *checks.Capture // nil: none
	// Code of Expect and Capture as written, for people and for the digest.
	ExpectText, CaptureText string

	Secret     bool          // its output is never stored; what it captures is a secret
	Direct     bool          // of Copy: from host to host, not through this machine
	TTY        bool          // it takes over the terminal
	Background bool          // kept alive to the end of its section
	Monitor    bool          // sampled beside the run
	ID         string        // of a monitor
	Grace      time.Duration // of a monitor: red after failing for so long
	Reboot     bool          // its host comes back with another boot id
	Reconnect  time.Duration // how long its host may be away; 0: not at all

	Lines []Pos // where each line of Body begins in its file; of what carries over from fences above it: Pos
}

// At returns the place in the file of a byte of the body.
func (f *Fence) At(offset int) Pos {
	if offset < 0 || offset > len(f.Body) {
		return f.Pos
	}
	line := strings.Count(f.Body[:offset], "\n")
	if line >= len(f.Lines) {
		return f.Pos
	}
	at := f.Lines[line]
	at.Col += offset - (strings.LastIndexByte(f.Body[:offset], '\n') + 1)
	return at
}

// Interval is the time between the starts of two tries of a poll, or of two samples of a
// monitor.
func (f *Fence) Interval() time.Duration { return cmp.Or(f.Poll.Every, DefaultEvery) }

// LookTimeout ends one try of a check, or a sample of a monitor. Of a background monitor
// it is the longest time between two lines.
func (f *Fence) LookTimeout() time.Duration { return cmp.Or(f.Timeout, DefaultCheckTimeout) }

// EnvVar is a variable of a command's environment, computed by an expression.
type EnvVar struct {
	Name  string
	Value *Expr
}

// Poll repeats a check until it holds. The zero value is one try.
type Poll struct {
	Until  time.Duration // in all
	Every  time.Duration // between the starts of two tries
	Hold   time.Duration // it must hold for that long
	FailIf *Expr         // true of a try: the poll ends there, failed; compiled with checks.CompileTest
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
