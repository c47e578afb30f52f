package wording

import (
	"fmt"
	"time"
)

// Ago says when something was, as people say it: just now, 12 min ago, 2 h ago,
// yesterday 23:10, Mon 23:10, 2026-11-02 23:10. The days are those of now's place.
func Ago(at, now time.Time) string {
	at = at.In(now.Location())
	d := now.Sub(at)
	y, m, day := now.Date()
	today := time.Date(y, m, day, 0, 0, 0, 0, now.Location())
	switch {
	case at.IsZero():
		return "–"
	case d < -time.Minute:
		return at.Format("2006-01-02 15:04")
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 6*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	case !at.Before(today):
		return "today " + at.Format("15:04")
	case !at.Before(today.AddDate(0, 0, -1)):
		return "yesterday " + at.Format("15:04")
	case !at.Before(today.AddDate(0, 0, -6)):
		return at.Format("Mon 15:04")
	}
	return at.Format("2006-01-02 15:04")
}
