package text

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 900: "<1ms", 80 * time.Millisecond: "80ms", 999 * time.Millisecond: "999ms",
		time.Second: "1s", 1050 * time.Millisecond: "1s", 2500 * time.Millisecond: "2.5s", 9999 * time.Millisecond: "9.9s",
		10*time.Second + 900*time.Millisecond: "10s", 42 * time.Second: "42s", 59999 * time.Millisecond: "59s",
		time.Minute: "1m", 20*time.Minute + 900*time.Millisecond: "20m", 3*time.Minute + 12*time.Second: "3m12s",
		time.Hour: "1h", 2*time.Hour + 5*time.Minute: "2h05m", 48 * time.Hour: "2d", 76 * time.Hour: "3d04h",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d) = %q, want %q", d, got, want)
		}
	}
}
