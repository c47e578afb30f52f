package tui

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// TestPictures compares the coloured screens that the documentation's pictures are
// drawn from: make screenshots.
func TestPictures(t *testing.T) {
	t.Parallel()
	seen := func(s *story, w, h int, keys ...string) string {
		return pose(s, w, h, press(keys...)...).View().Content
	}
	for _, p := range []struct {
		name string
		w, h int
		draw func(t *testing.T, w, h int) string
	}{
		{"home", 100, 24, func(t *testing.T, w, h int) string { return poseHome(aShelf(t), w, h).View().Content }},
		{"preflight", 100, 24, func(_ *testing.T, w, h int) string {
			m, _ := posePreflight(badPreflight(), w, h)
			return m.View().Content
		}},
		{"run", 120, 34, func(t *testing.T, w, h int) string {
			return seen(timed(polling(t), 12*time.Second, 3*time.Hour), w, h)
		}},
		{"gate", 100, 30, func(t *testing.T, w, h int) string { return seen(irreversible(t), w, h) }},
		{"failure", 100, 34, func(t *testing.T, w, h int) string { return seen(tablets(t).stopFails(), w, h) }},
		{"matrix", 100, 24, func(t *testing.T, w, h int) string { return seen(midBatch(t), w, h, "m") }},
		{"monitors", 110, 30, func(t *testing.T, w, h int) string { return seen(heldGreen(t), w, h, "M", "z", "z") }},
		{"timeline", 100, 24, func(t *testing.T, w, h int) string { return leafing(overnight(t), w, h, press("T")...).View().Content }},
		{"chinese", 100, 24, func(t *testing.T, w, h int) string { return seen(chineseGate(t), w, h) }},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			goldenAt(t, filepath.Join("testdata", "pictures", fmt.Sprintf("%s-%dx%d.ansi", p.name, p.w, p.h)), p.draw(t, p.w, p.h)+"\n")
		})
	}
}
