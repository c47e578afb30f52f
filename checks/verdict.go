package checks

import "fmt"

// Verdict is the outcome of an assertion. The zero value is Unknown.
type Verdict uint8

const (
	// Unknown: the observation doesn't tell.
	Unknown Verdict = iota
	// Fail: the observation contradicts the assertion.
	Fail
	// Pass: the observation bears the assertion out.
	Pass
)

// String is the word for v in the journal and on the screen.
func (v Verdict) String() string {
	switch v {
	case Pass:
		return "pass"
	case Fail:
		return "fail"
	case Unknown:
	}
	return "unknown"
}

// MarshalText writes the word for v.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the word for v; any other word is an error.
func (v *Verdict) UnmarshalText(b []byte) error {
	for _, known := range []Verdict{Pass, Fail, Unknown} {
		if string(b) == known.String() {
			*v = known
			return nil
		}
	}
	return fmt.Errorf("read verdict %q: want pass, fail or unknown", b)
}

// Worst combines verdicts: Fail if any fails, else Unknown if any is unknown,
// else Pass. No verdicts at all are Pass.
func Worst(vs ...Verdict) Verdict {
	worst := Pass
	for _, v := range vs {
		switch v {
		case Fail:
			return Fail
		case Pass:
		case Unknown:
			worst = Unknown
		}
	}
	return worst
}

// Row is one assertion as it was judged.
type Row struct {
	Text    string  `json:"text"`            // the assertion as written, without its label
	Label   string  `json:"label,omitempty"` // the text of a trailing comment
	Verdict Verdict `json:"verdict"`
	Saw     string  `json:"saw,omitempty"`   // the values it saw, one line of at most 120 cells
	Cause   string  `json:"cause,omitempty"` // why the verdict is unknown
	Diff    string  `json:"diff,omitempty"`  // how values that it compared differ, and what diff() gave: unified differences of at most 400 lines and 64 KiB
}
