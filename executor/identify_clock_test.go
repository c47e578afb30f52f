package executor

import (
	"testing"
	"time"
)

func TestAClockIsOnlySaidToBeOffByWhatIsCertain(t *testing.T) {
	t.Parallel()
	begun := time.Unix(1000, 200_000_000)
	ended := time.Unix(1001, 700_000_000)
	for _, tt := range []struct {
		showed string
		want   time.Duration
	}{
		{"1000", 0},           // some time from 1000 to 1001
		{"1001.000000000", 0}, // while it was asked
		{"1000.200000000", 0}, // at its very begin
		{"1001.700000000", 0}, // at its very end
		{"1001.700000001", 1}, // a nanosecond late
		{"1061.700000000", time.Minute},
		{"1004", 2300 * time.Millisecond},
		{"1004.%N", 2300 * time.Millisecond}, // a date that has no %N prints it
		{"1004.N", 2300 * time.Millisecond},
		{"998.200000000", -2 * time.Second},
		{"998", -1200 * time.Millisecond}, // it may have been almost 999
		{"", 0},
		{"+%s", 0},
		{"now", 0},
	} {
		if got := ahead(tt.showed, begun, ended); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.showed, got, tt.want)
		}
	}
}
