// Package gate is the dialog that stands before what can't simply be undone. It
// shows what would run and where, byte for byte, and takes the phrase.
//
// It imports checks, runbook/plan, runbook/run, tui/diff, tui/keys, tui/pane,
// tui/stepview, tui/theme and tui/wording. Its invariant: it gives an answer only for Enter after the
// exact phrase was typed key by key, once every line has stood on the screen, uncovered,
// for at least [Drawn] and has not changed since, and not within [Grace] of its
// appearing; and a refusal for Enter alone or the key that declines. No click, paste or
// key of another screen answers it.
package gate
