package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stepgate/runbook/run"
)

// fleet is a run of steps on a group of hosts, then of a walk over them.
func fleet(t testing.TB, hosts, steps, walked int) *story {
	t.Helper()
	var names []string
	for i := range hosts {
		names = append(names, fmt.Sprintf("db-%04d", i+1))
	}
	var b strings.Builder
	b.WriteString("+++\n[groups.db]\n+++\n# Fleet\n\n## All {#all}\n")
	for i := range steps {
		fmt.Fprintf(&b, "\n- [ ] Step number %d {#s%d}\n\n  ```sh {on=db}\n  s\n  ```\n", i+1, i+1)
	}
	b.WriteString("\n## Each {#each each=db batch=50}\n")
	for i := range walked {
		fmt.Fprintf(&b, "\n- [ ] Walked %d {#w%d}\n\n  ```sh\n  s\n  ```\n", i+1, i+1)
	}
	return on(t, b.String(), "db", names)
}

// matrixFramesOf draws a frame of the matrix for each newer view of a run.
func matrixFramesOf(s *story) func() {
	st := pose(s, 120, 40, press("m")...)
	views := []*run.Snapshot{s.snap()}
	s.then(run.Note{Text: "a remark"})
	views = append(views, s.snap())
	n := 0
	return func() {
		n++
		st.now = st.now.Add(time.Second)
		if n%8 == 0 {
			st.Update(snapMsg{views[n/8%2]})
		}
		st.Update(stroke([]string{"down", "right", "pgdown", "up"}[n%4]))
		_ = st.View()
	}
}

// BenchmarkMatrix is what it costs to move in the matrix and to draw it.
func BenchmarkMatrix(b *testing.B) {
	for _, size := range [][3]int{{5, 5, 5}, {1000, 40, 4}} {
		b.Run(fmt.Sprintf("hosts=%d,steps=%d", size[0], size[1]), func(b *testing.B) {
			draw := matrixFramesOf(fleet(b, size[0], size[1], size[2]))
			b.ReportAllocs()
			for b.Loop() {
				draw()
			}
		})
	}
}
