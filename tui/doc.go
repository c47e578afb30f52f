// Package tui is the terminal screen: what can be gone on with and begun, the
// values of a run to be begun, and the run itself with the step tree, the step, its
// output, the gate, what monitors show, and the decisions that are put to the operator.
//
// It declares the two ports through which any user interface drives a run
// ([Controller], [Source]) and never imports engine, executor or state. There
// is one Bubble Tea model; components are plain structs that draw themselves in
// a given size. Update does no I/O: whatever may block happens in a command,
// and a command never touches the model. One goroutine forwards the run's
// changes; the run never waits for the screen. Every key stands in one record
// from which footer and help are made. Dialogs that open by themselves swallow
// the keys that were meant for what was there before.
package tui
