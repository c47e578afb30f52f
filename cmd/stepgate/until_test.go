package main

import (
	"testing"
	"time"
)

func TestWindow(t *testing.T) {
	t.Parallel()
	place := time.FixedZone("CST", 8*60*60)
	now := time.Date(2026, 11, 21, 22, 30, 0, 0, place)
	for s, want := range map[string]time.Time{
		"":                          {},
		"23:00":                     time.Date(2026, 11, 21, 23, 0, 0, 0, place),
		"02:00":                     time.Date(2026, 11, 22, 2, 0, 0, 0, place),
		"22:30":                     time.Date(2026, 11, 22, 22, 30, 0, 0, place),
		"+90m":                      time.Date(2026, 11, 22, 0, 0, 0, 0, place),
		"2026-11-21T16:00:00Z":      time.Date(2026, 11, 22, 0, 0, 0, 0, place),
		"2026-11-22T02:00:00+08:00": time.Date(2026, 11, 22, 2, 0, 0, 0, place),
	} {
		if got, err := window(s, now); err != nil || !got.Equal(want) {
			t.Errorf("window(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"tomorrow", "25:00", "+0m", "+-1h", "2026-11-21T10:00:00Z", "90m"} {
		if got, err := window(s, now); err == nil {
			t.Errorf("window(%q) = %v, and should be refused", s, got)
		}
	}
}
