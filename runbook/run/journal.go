package run

import "time"

// Lease is the right to drive one run. Its epoch grows with every taking.
type Lease interface {
	RunID() string
	Epoch() uint64
	// Release gives the right back; it doesn't write an event.
	Release() error
}

// Chunk is a piece of an attempt's output.
type Chunk struct {
	Attempt string
	Stream  int   // 0 stdout, 1 stderr
	Offset  int64 // of the first byte, in the command's own output
	At      time.Time
	Data    []byte
}

// Kept is how much of a stream the journal has.
type Kept struct {
	Bytes int64     // kept
	End   int64     // offset after the last byte kept; End - Bytes were left out
	Last  time.Time // when the last piece came
}
