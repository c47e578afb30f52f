// Package wire is how the processes of a simulated system speak with its truth, which
// the lab process holds: JSON, a value per line, over loopback.
//
// [Serve] is the truth's end: it accepts connections and keeps the clock that advances
// the system. [Dial] is a process's end.
//
// It imports nothing else of the project.
package wire
