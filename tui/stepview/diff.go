package stepview

import (
	"strings"

	"charm.land/lipgloss/v2"

	"stepgate/tui/theme"
)

// IsDiff reports whether lines are a unified difference: a hunk of it begins somewhere,
// and nothing that it couldn't have stands behind it.
func IsDiff(lines []string) bool {
	hunk := false
	for _, l := range lines {
		switch {
		case strings.HasPrefix(l, "@@ "):
			hunk = true
		case !hunk || l == "":
		case !strings.ContainsAny(l[:1], "+- \\") && !header(l):
			return false
		}
	}
	return hunk
}

// header reports whether a line stands between the files of a difference.
func header(l string) bool {
	for _, p := range []string{"diff ", "index ", "Only in ", "--- ", "+++ ", "new file", "deleted file", "similarity ", "rename "} {
		if strings.HasPrefix(l, p) {
			return true
		}
	}
	return false
}

// DiffStyle is how a line of a unified difference is drawn.
func DiffStyle(t *theme.Theme, l string) lipgloss.Style {
	switch {
	case strings.HasPrefix(l, "--- ") || strings.HasPrefix(l, "+++ "):
		return t.Strong
	case strings.HasPrefix(l, "@@ "):
		return t.Live
	case strings.HasPrefix(l, "+"):
		return t.Good
	case strings.HasPrefix(l, "-"):
		return t.Bad.UnsetBold()
	}
	return t.Muted
}
