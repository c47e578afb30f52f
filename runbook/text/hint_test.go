package text_test

import (
	"errors"
	"fmt"
	"testing"

	"stepgate/runbook/text"
)

func TestHint(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such file")
	err := fmt.Errorf("open runbook %q: %w", "a.md", text.WithHint(cause, "stepgate list --runbooks"))
	if got := err.Error(); got != `open runbook "a.md": no such file` {
		t.Errorf("the hint leaked into the text: %q", got)
	}
	if got := text.HintOf(err); got != "stepgate list --runbooks" {
		t.Errorf("HintOf = %q", got)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if text.WithHint(nil, "x") != nil || text.HintOf(cause) != "" {
		t.Error("nil errors and errors without a hint must stay so")
	}
}
