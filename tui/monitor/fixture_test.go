package monitor

import (
	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/theme"
)

var dark = theme.New(theme.Options{})

func width(s string) int { return ansi.StringWidth(s) }
