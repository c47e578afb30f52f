// Package hostile is a corpus of output that means harm, or does it by accident:
// sequences by which a terminal is told to do something, in every coding and cut
// anywhere; text that looks like other text; text that is too much. It is for
// tests: whatever shows untrusted text is fed all of it.
package hostile
