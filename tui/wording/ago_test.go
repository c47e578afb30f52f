package wording

import (
	"testing"
	"time"
)

func TestAgo(t *testing.T) {
	t.Parallel()
	place := time.FixedZone("CST", 8*60*60)
	now := time.Date(2026, 11, 21, 3, 14, 0, 0, place) // a Saturday
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{now.Add(-20 * time.Second), "just now"},
		{now.Add(-12 * time.Minute), "12 min ago"},
		{now.Add(-4*time.Hour - time.Minute), "4 h ago"},
		{time.Date(2026, 11, 20, 12, 10, 0, 0, time.UTC), "yesterday 20:10"},
		{time.Date(2026, 11, 19, 16, 30, 0, 0, time.UTC), "yesterday 00:30"},
		{time.Date(2026, 11, 16, 1, 0, 0, 0, time.UTC), "Mon 09:00"},
		{time.Date(2026, 11, 2, 1, 0, 0, 0, time.UTC), "2026-11-02 09:00"},
		{now.Add(time.Hour), "2026-11-21 04:14"},
		{time.Time{}, "–"},
	} {
		if got := Ago(c.at, now); got != c.want {
			t.Errorf("Ago(%v) = %q, want %q", c.at, got, c.want)
		}
	}
	if got := Ago(now.Add(8*time.Hour), now.Add(16*time.Hour)); got != "today 11:14" {
		t.Errorf("earlier today: %q", got)
	}
}
