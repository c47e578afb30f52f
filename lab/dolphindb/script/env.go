package script

import (
	"io"
	"time"
)

// Env is the node that a script runs on, as the user who logged in sees it.
type Env interface {
	// Call is a function of the server (version, getActiveMaster, getClusterPerf,
	// startDataNode, …) on this node. Omitted arguments in the middle are nil. A
	// nil result is what a command returns: nothing is printed. The error's text is
	// DolphinDB's own, without the call in front of it.
	Call(name string, args []Value) (Value, error)
	// Login makes what follows run as another user.
	Login(user, password string) error
	// Alias is what getNodeAlias() answers.
	Alias() string
	// Controller is the node behind getControllerAlias(), where rpc goes; an error
	// when there is no leader.
	Controller() (Env, error)
	// DataNodes are the live data nodes, in the order in which their answers arrive.
	DataNodes() []Env
	// Table holds the rows of a table in the distributed file system, as they can
	// be read now.
	Table(db, name string) (*Table, error)
	// Append adds rows. It waits, and fails, when chunks can't be written.
	Append(db, name string, rows *Table) error
	// Now is the node's clock, in its own time zone.
	Now() time.Time
}

// Library is an Env that has more functions of the server than this package knows.
type Library interface {
	// Has is true for the name of a function that Call answers.
	Has(name string) bool
}

// Run parses the whole script, then evaluates it statement by statement on env,
// and prints to out what print and expressions that are statements by themselves
// say. The error is DolphinDB's message: "Syntax Error: [line #N] …" when nothing
// was run, "CALL => …" when a call failed.
func Run(src string, env Env, out io.Writer) error {
	statements, err := parse(src, env)
	if err != nil {
		return err
	}
	in := &interp{env: env, out: &printer{w: out}, left: new(int), defs: map[string]Func{}}
	*in.left = maxSteps
	return in.run(statements)
}

// Check parses a script without running it: its error is a syntax error, an
// unknown function, or a variable that no statement sets.
func Check(src string) error {
	_, err := parse(src, nil)
	return err
}
