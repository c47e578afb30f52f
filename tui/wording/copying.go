package wording

import (
	"fmt"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Copying says how far a copy is, without the file.
func Copying(b *run.Activity) string {
	if b.Total == 0 || b.File == "" {
		if b.Detail == "" {
			return "copying"
		}
		return "copying: " + Line(b.Detail)
	}
	return fmt.Sprintf("copying, %d%%, %s of %s", Percent(b), text.Bytes(b.Done), text.Bytes(b.Total))
}

// Percent is how much of a copy is there, 0 to 100; 100 only when all is.
func Percent(b *run.Activity) int {
	if b.Total <= 0 {
		return 0
	}
	return int(float64(min(b.Done, b.Total)) / float64(b.Total) * 100)
}
