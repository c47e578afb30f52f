package run

// Copied says what a copy has brought about. It comes before the Outcome of its
// attempt.
type Copied struct {
	Cell     Key    `json:"cell"`
	Attempt  string `json:"attempt"`
	Manifest string `json:"manifest"` // blob: SHA-256, mode, size and path of every file, a line each, as at both ends
	Files    int    `json:"files"`
	Bytes    int64  `json:"bytes"`
	Sent     int64  `json:"sent"` // of these; the rest was there already
}
