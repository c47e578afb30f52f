package run

// Note is a remark on the timeline.
type Note struct {
	Cell Key    `json:"cell,omitzero"`
	Text string `json:"text"`
}

// Exported says that a transcript was written.
type Exported struct {
	Format string `json:"format"`
	SHA256 string `json:"sha256"`
}

// TakenOver returns who has driven the run since the lease of an epoch ended; empty:
// nobody has.
func (r *Run) TakenOver(epoch uint64) string {
	if r.Epoch <= epoch {
		return ""
	}
	if r.Holder == "" {
		return "another one"
	}
	return r.Holder
}

// AbortRequested is the wish of somebody who doesn't drive the run that it be
// aborted. The driver's operator decides.
type AbortRequested struct {
	Why string `json:"why,omitempty"`
}

// PauseRequested is such a wish that the run pause before its next step. The
// driver pauses.
type PauseRequested struct {
	Why string `json:"why,omitempty"`
}
