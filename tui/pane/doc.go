// Package pane owns the geometry of text on the screen: fitting and wrapping
// lines by terminal cells, framed boxes, and scrolling.
//
// It knows nothing of runs and imports tui/theme only. Whatever it returns for
// a width is exactly, or at most, that many cells wide; bytes and runes are
// never counted.
package pane
