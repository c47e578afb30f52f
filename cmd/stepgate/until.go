package main

import (
	"strings"
	"time"
)

// until is the flag that says when the change window ends.
type until struct{ at time.Time }

func (u *until) Set(s string) (err error) {
	u.at, err = window(s, now())
	return err
}

func (u *until) String() string {
	if u.at.IsZero() {
		return ""
	}
	return u.at.Format(time.RFC3339)
}

func (*until) Type() string { return "time" }

// window reads the end of a change window: a time of day, the next such one; a time
// from now on, as +90m; or a moment as RFC 3339 has it. Empty: there is none.
func window(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if rest, ok := strings.CutPrefix(s, "+"); ok {
		if d, err := time.ParseDuration(rest); err == nil && d > 0 {
			return now.Add(d), nil
		}
	} else if at, err := time.Parse(time.RFC3339, s); err == nil {
		if at.After(now) {
			return at, nil
		}
		return time.Time{}, usage("name a moment to come", "read --until %q: that has passed", s)
	} else if clock, err := time.Parse("15:04", s); err == nil {
		y, m, d := now.Date()
		at := time.Date(y, m, d, clock.Hour(), clock.Minute(), 0, 0, now.Location())
		if !at.After(now) {
			at = time.Date(y, m, d+1, clock.Hour(), clock.Minute(), 0, 0, now.Location())
		}
		return at, nil
	}
	return time.Time{}, usage(`write it as 02:00, +90m or 2026-11-21T02:00:00+01:00`, "read --until %q: that is no time", s)
}
