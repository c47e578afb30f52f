// Package attrs reads attribute groups, `{#id .class key=value key="two words"}`,
// from source bytes, before anything else has interpreted them.
//
// It owns the syntax only: which names exist, where they may stand and what
// their values mean is said by its callers. Every value is a string. It is pure
// and imports no sibling.
//
// The invariant: what looks like a group ([Opens]) is either read completely or
// is a [Problem] with an offset; it never turns into text.
package attrs
