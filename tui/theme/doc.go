// Package theme owns every colour and every drawn character of the terminal
// screens: semantic tokens for dark and light backgrounds, and glyphs in a
// Unicode and an ASCII set.
//
// It imports nothing of the project. No other package names a colour, and no
// status is told by colour alone: each [Mark] also has a glyph, and a word beside it
// wherever it is drawn.
package theme
