package run

// Edited gives a stopped cell's command another text. A [Retried] or a
// [RerunOverride] makes it run. From then on the cell passes a gate before each of its
// attempts, whatever it was, and no pre-grant opens that.
type Edited struct {
	Cell Key    `json:"cell"`
	Body string `json:"body"` // as it will run
	Was  string `json:"was"`  // as the runbook has it, with the values of then
}

// AdHocAsked adds a cell that the plan doesn't have: a command that a person wants to
// run now. Its step is adhoc/1, adhoc/2 … It is sent next, by itself; it never stops
// the run by failing, and is left out when its gate is not opened.
type AdHocAsked struct {
	Cell        Key    `json:"cell"`
	Interpreter string `json:"interpreter,omitempty"` // empty: sh
	Body        string `json:"body"`
	TTY         bool   `json:"tty,omitempty"`
	// Judged is why it passes a gate: what it looks like. Empty: it passes none.
	Judged string `json:"judged,omitempty"`
}

// Jumped leaves cells out, on the way to a later one.
type Jumped struct {
	To     Key    `json:"to"`
	Over   []Key  `json:"over"` // in walking order
	Reason string `json:"reason"`
	// Enters are the batches that it goes into and that nothing has entered before:
	// with what it leaves out gone, their walks would put others together.
	Enters []BatchEntered `json:"enters,omitempty"`
}

// Leap is what going on at a later cell means.
type Leap struct {
	Over   []*Cell // what would be left out, in walking order
	Gates  []*Cell // those of Over that stand behind a gate
	Phrase string  // has to be typed; empty: nothing
	Why    string  // why it can't be done; empty: it can

	enters []BatchEntered // as [Jumped] has them
}
