package executor

import (
	"context"
	"os"
	"time"
)

// Executor is one host as the engine uses it. All methods may be called
// concurrently. Every method returns when ctx ends; only [Executor.Look] then
// ends what runs on the host.
type Executor interface {
	// Identify says who the host is and whether it can keep attempts. It chooses
	// the attempt directory; the choice is passed back in [Attempt.Host].
	Identify(ctx context.Context) (Host, error)
	// Ready makes sure that Start and Hand need nothing more of a person: it asks
	// for the password with which the command's user is become. Its error is a
	// *ReachError.
	Ready(ctx context.Context, c Command) error
	// Look runs a read-only command, unclaimed. The end of ctx kills its process
	// group; a *EndedError then says that the host has confirmed it. An error means
	// that no verdict is possible (unreachable, timed out).
	Look(ctx context.Context, c Command, sink Sink) (Result, error)
	// Start claims the attempt and starts its detached runner, and returns at
	// once. The caller's intent is durable already. An error means unknown: ask
	// Probe.
	Start(ctx context.Context, a Attempt) (Claim, error)
	// Follow delivers the output from the offsets on, and returns when there is
	// an exit code. The end of ctx only detaches. It also returns when the
	// attempt can no longer produce an exit code (*FateError).
	Follow(ctx context.Context, a Attempt, from Offsets, sink Sink) (Result, error)
	// Probe asks the host what became of an attempt. With fence, an attempt that
	// has not passed its point of no return is prevented from ever starting.
	// fence is true whenever the answer will decide what happens next.
	Probe(ctx context.Context, a Attempt, fence bool) (Report, error)
	// Signal sends TERM or KILL to the attempt's process group and says what it
	// found afterwards.
	Signal(ctx context.Context, a Attempt, s Signal) (Report, error)
	// Beat tells the host that whoever keeps an attempt with a leash lives on. It fails
	// as Probe does, and when the host has no record of the attempt; that the attempt
	// has ended is for Follow and Probe to say.
	Beat(ctx context.Context, a Attempt) error
	// Hand claims the attempt and runs it on a person's terminal, in the
	// foreground. The claim is all that the host keeps: no output, no runner. An
	// error means unknown, unless it is a *RefusedError or a *ReachError.
	Hand(ctx context.Context, a Attempt, t Terminal) (Result, error)
	// Files opens the host's files, for copies. They are open until they are closed
	// or ctx ends.
	Files(ctx context.Context) (Files, error)
	// Kept lists the runs that have attempt directories or marks on the host.
	Kept(ctx context.Context, host Host) ([]KeptRun, error)
	// Discard removes the run's attempt directories and leaves a mark that
	// refuses late claims of that run. host is as Identify returned it.
	Discard(ctx context.Context, host Host, runID string) error
	// Dial opens a connection from this host: over SSH through the host's own
	// connection, on this machine directly.
	Dialer
	// Close ends the connection; attempts go on.
	Close() error
}

// Host is a host's own account of itself.
type Host struct {
	MachineID string `json:"machine_id"`         // /etc/machine-id, else the platform's uuid, else the host key's fingerprint
	BootID    string `json:"boot_id"`            // changes with every boot; the kernel's, else the boot time
	HostKey   string `json:"host_key,omitempty"` // SHA256:… of the SSH host key; empty on this machine
	User      string `json:"user"`
	Hostname  string `json:"hostname"`
	System    string `json:"system"`             // uname -s
	Dir       string `json:"dir"`                // where attempts are kept; empty when Degraded
	DirID     string `json:"dir_id,omitempty"`   // goes with Dir when it is removed, and tells one made anew from it
	FreeBytes int64  `json:"free_bytes"`         // on the file system of Dir; -1 when unknown
	Degraded  string `json:"degraded,omitempty"` // why attempts can't be kept here; empty when they can
	// Ahead is how far, at least, its clock is ahead of this machine's, what the way
	// there and back took being allowed for; negative: behind, 0: neither can be told.
	Ahead time.Duration `json:"ahead,omitempty"`
}

// Command is what is run, byte for byte. Values reach it only as environment
// variables.
type Command struct {
	Interpreter string // sh, bash, zsh, python3, … as named on the host's PATH
	Login       bool   // by a login shell, which has read its profiles: the interpreter itself, or sh in front of it
	Body        string // the whole program text: options, prelude and fence
	Env         []Var  // exported to the command, in this order
	Dir         string // working directory; empty: the login directory, on this machine Executor's own
	User        string // whom to become by sudo; empty: nobody else
	Masks       []Mask // what the host takes out of the output before it keeps it
}

// Mask is a text that must not be kept.
type Mask struct {
	Text string
	With string // what stands in its place; the same for all masks of a command
	Word bool   // only between anything but the letters, digits and _ of ASCII
}

// Terminal is a person's terminal, for as long as a command has it.
type Terminal struct {
	In, Out *os.File // raw while it is lent
	Term    string   // $TERM
}

// KeptRun is what a host keeps of a run.
type KeptRun struct {
	ID       string
	Attempts int
	Bytes    int64 // of all its attempts; -1 when unknown
	Closed   bool  // only the mark is left that refuses late claims
}

// Var is one environment variable of a command.
type Var struct{ Name, Value string }

// Attempt is one dispatch of a command. ID is 32 hex digits and deterministic,
// so that two journals of the same run collide on the host instead of running
// the command twice.
type Attempt struct {
	ID         string
	RunID      string
	IntentHash string // hash of the journal's intent event, hex; kept in the claim
	Host       Host   // as pinned by the intent; MachineID, BootID and Dir decide
	Command    Command
	// Leash, if not 0, makes it a background process: the host ends its process group,
	// by TERM and 10 s later by KILL, when Beat wasn't called for so long, rounded up to
	// seconds. When the command itself has ended, what is left of its group is ended in
	// the same way before there is an exit code.
	Leash time.Duration
}

// Claim is the host's answer to Start.
type Claim uint8

const (
	// Started: this call claimed the attempt and launched its runner.
	Started Claim = iota + 1
	// Attached: the attempt was claimed before by the same intent.
	Attached
	// Known: the host has this attempt from another intent (a restored or forked
	// journal). Nothing was started.
	Known
	// Refused: nothing was started and this attempt never will be (fenced, run
	// closed, another machine). Start returns a *RefusedError with it.
	Refused
)

// Fate is what became of an attempt, as the host tells it.
type Fate uint8

const (
	// Finished: Report.Result is valid.
	Finished Fate = iota + 1
	// Running: the runner is alive.
	Running
	// Orphan: the runner is gone, processes of its group are alive.
	Orphan
	// NeverStarted: it did not start and, when fenced, never will.
	NeverStarted
	// Died: started, left no result, and nothing of it is alive; or the host's
	// record of it was removed, as Report.Detail then says: it may have run.
	Died
	// Rebooted: the host was booted since the intent, and there is no result.
	Rebooted
	// Foreign: this is another machine than the intent's.
	Foreign
)

// Report is a probe's answer.
type Report struct {
	Fate      Fate
	Result    Result   // when Finished
	Offsets   Offsets  // bytes of output on the host
	Processes []string // argv of what is alive, when Running or Orphan
	Detail    string   // one line for the operator, unsanitised
}

// Result is how a command ended. Exit is 128+n for death by signal n, as sh
// reports it.
type Result struct {
	Exit  int
	Bytes Offsets       // whole length of each stream on the host
	Took  time.Duration // by the host's clock, whole seconds; 0 when unknown
}

// Stream tells the two outputs of a command apart.
type Stream uint8

const (
	Stdout Stream = iota
	Stderr
)

// Offsets are positions in a command's two outputs, in bytes: [Stdout, Stderr].
type Offsets [2]int64

// Sink receives output as it comes. offset is the position of p in its stream.
// p is only valid during the call. A Sink that blocks slows the reader down and
// bounds memory.
type Sink interface {
	Output(s Stream, offset int64, p []byte)
}

// Beginner is a [Sink] that wants to know when a look has begun.
type Beginner interface {
	// Begun is called once, when the host has said that the command begins, and before
	// any Output. What came before it is no part of what the command took.
	Begun()
}

// Signal is what can be sent to an attempt.
type Signal uint8

const (
	Term Signal = iota + 1
	Kill
)

// String names the fate as the journal and the screen do.
func (f Fate) String() string {
	switch f {
	case Finished:
		return "finished"
	case Running:
		return "running"
	case Orphan:
		return "orphan"
	case NeverStarted:
		return "never started"
	case Died:
		return "died"
	case Rebooted:
		return "rebooted"
	case Foreign:
		return "foreign"
	}
	return "unknown"
}
