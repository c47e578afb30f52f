package run

// Adopted says that the run goes on with another version of its runbook, on a
// person's word. No step that was executed differs.
type Adopted struct {
	Source  string            `json:"source"`          // blob: the runbook's bytes
	Parts   map[string]string `json:"parts,omitempty"` // blobs: of included files, by name
	Digest  string            `json:"digest"`          // of the new plan
	Closure string            `json:"closure"`         // of its source bytes
	Changes []Change          `json:"changes"`         // against the version before
}

// Change is a step that two versions of a plan have differently.
type Change struct {
	Step string `json:"step"` // id
	How  string `json:"how"`  // added, removed, changed, moved
	What string `json:"what,omitempty"`
}
