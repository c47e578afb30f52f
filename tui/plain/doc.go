// Package plain shows and drives a run in lines: for a terminal that can't
// show screens, for a screen reader, a serial console or a log, and, with
// [Auto], for driving a run unattended until a person is needed.
//
// It is a caller of the same two ports as the screen, and has the same rules:
// nothing here reads a file, a process or the network.
package plain
