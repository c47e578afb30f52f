package run

// Paused stops the run between two steps; Continued ends that.
type Paused struct {
	Why string `json:"why,omitempty"`
}

// Continued ends a pause.
type Continued struct{}

// WalkOrdered fixes the order in which a walk takes its instances; Why is set
// when a person moved one to the end.
type WalkOrdered struct {
	Walk  string   `json:"walk"`
	Hosts []string `json:"hosts"` // instance keys: hosts, or values
	Why   string   `json:"why,omitempty"`
}

// BatchEntered says that a walk goes on with its next instances. After a canary
// it is a person's word.
type BatchEntered struct {
	Walk  string   `json:"walk"`
	Hosts []string `json:"hosts"` // instance keys of the batch, in walking order
}

// InstanceExcluded takes an instance out of its walk, on a person's word: its
// cells that aren't settled are excluded. InstanceIncluded takes that back.
type InstanceExcluded struct {
	Walk     string `json:"walk"`
	Instance string `json:"instance"` // key: host, or value
	Reason   string `json:"reason"`
}

// InstanceIncluded puts an excluded instance back.
type InstanceIncluded struct {
	Walk     string `json:"walk"`
	Instance string `json:"instance"`
}

// Asked is the answer to a question. Repeated: the answer given earlier in the
// run, kept for another instance.
type Asked struct {
	Cell     Key    `json:"cell"`
	Name     string `json:"name"`
	Value    string `json:"value"` // as typed
	Repeated bool   `json:"repeated,omitempty"`
}

// StopRequested lets the run pause once an instance, a section or a step is
// settled: "finish, then stop". An empty After takes the request back.
type StopRequested struct {
	After string `json:"after"` // path
}

// RollbackPlanned queues cells for rollback, newest intent first. Each is
// previewed and asked for before RollbackRequested starts it. No cells: the
// rest of the queue is dropped.
type RollbackPlanned struct {
	Scope RollbackScope `json:"scope"`
	Cells []Key         `json:"cells"`
}

// RollbackScope says how far a rollback goes.
type RollbackScope string

const (
	RollbackStep     RollbackScope = "step"
	RollbackInstance RollbackScope = "instance" // the innermost instance around the cell
	RollbackSection  RollbackScope = "section"  // the section around the cell; of a walk, all its instances
)

// Called brings a step of class `always` forward, out of its place.
type Called struct {
	Cell Key `json:"cell"`
}
