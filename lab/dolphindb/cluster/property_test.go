package cluster

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever processes come, go and write, and however often the lab is restarted:
// no acknowledged row is lost while a complete replica of it is there, nothing
// is stored that was refused, a term has one leader, and nobody leads without a
// majority.
func TestWhateverComesGoesAndWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, 3)
		defer os.RemoveAll(w.dir)
		if rapid.Bool().Draw(rt, "re-replication") {
			w.cfg["dfsRecoveryWaitTime"] = "30000"
		}
		w.everything()
		w.stock("node1")
		m := &model{w: w, acknowledged: map[int]bool{}, leaders: map[int]string{}}
		m.check(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"start":         m.start,
			"stop":          m.stop,
			"bounce":        m.bounce,
			"write":         m.write,
			"wait a moment": func(rt *rapid.T) { m.wait(rt, 1, 30) },
			"wait":          func(rt *rapid.T) { m.wait(rt, 30, 300) },
			"write again":   m.write,
			"suspend": func(rt *rapid.T) {
				if l := w.leader(); l != "" {
					w.must(l, rapid.SampledFrom([]string{"suspendRecovery", "resumeRecovery"}).Draw(rt, "what"))
				}
			},
			"restart most": func(rt *rapid.T) {
				w.reopen()
				w.c.Booted()
				for _, n := range rapid.Permutation(w.nodes).Draw(rt, "order")[:7] {
					w.start(n.Alias)
				}
			},
			"": m.check,
		})
		m.bringBack(rt)
	})
}

type model struct {
	w            *world
	id           int
	acknowledged map[int]bool
	leaders      map[int]string // by term
}

func (m *model) wait(rt *rapid.T, least, most int) {
	for range rapid.IntRange(least, most).Draw(rt, "tenths") {
		m.w.pass(100 * time.Millisecond)
		m.check(rt)
	}
}

func (m *model) start(rt *rapid.T) {
	var down []string
	for _, n := range m.w.nodes {
		if m.w.up[n.Alias] == nil {
			down = append(down, n.Alias)
		}
	}
	if len(down) > 0 {
		m.w.start(rapid.SampledFrom(down).Draw(rt, "alias"))
	}
}

func (m *model) stop(rt *rapid.T) {
	if len(m.w.up) > 0 {
		m.w.stop(rapid.SampledFrom(sortedKeys(m.w.up)).Draw(rt, "alias"))
	}
}

// bounce restarts a process and writes before others have noticed.
func (m *model) bounce(rt *rapid.T) {
	if len(m.w.up) == 0 {
		return
	}
	alias := rapid.SampledFrom(sortedKeys(m.w.up)).Draw(rt, "alias")
	m.w.stop(alias)
	if rapid.Bool().Draw(rt, "write in between") {
		m.write(rt)
	}
	m.w.start(alias)
	m.start(rt)
	m.write(rt)
}

func (m *model) write(rt *rapid.T) {
	via := fmt.Sprintf("node%d", rapid.IntRange(1, 3).Draw(rt, "via"))
	if m.w.up[via] == nil {
		return
	}
	for range 3 {
		m.id++
		if m.w.insert(via, rapid.IntRange(9, 10).Draw(rt, "day"), m.id) == nil {
			m.acknowledged[m.id] = true
		}
	}
}

func (m *model) check(rt *rapid.T) {
	for _, g := range m.w.c.groups {
		if g.leader == nil {
			continue
		}
		live := m.w.c.members(g)
		if 2*len(live) <= len(g.voters) || !slices.Contains(live, g.leader) {
			rt.Fatalf("%s leads with %d of %d controllers", g.leader.m.Alias, len(live), len(g.voters))
		}
		alias := g.leader.m.Alias
		if other := m.leaders[g.term]; other != "" && other != alias {
			rt.Fatalf("%s and %s lead in term %d", other, alias, g.term)
		}
		m.leaders[g.term] = alias
		m.checkChunks(rt, g)
	}
}

// checkChunks reads every ready replica: each holds all that was acknowledged.
func (m *model) checkChunks(rt *rapid.T, g *group) {
	for _, k := range g.leader.cat.chunksOf("dfs://stock", "stock") {
		want := ""
		for _, s := range m.w.c.readyReplicas(g, k) {
			var ids []string
			for _, c := range s.store.visible(k.ID) {
				for _, row := range c.Rows {
					ids = append(ids, fmt.Sprint(row[2]))
				}
			}
			got := strings.Join(ids, " ")
			if want != "" && got != want {
				rt.Fatalf("replicas of %s differ: %s and %s", k.Path, got, want)
			}
			want = got
			if len(ids) != k.Version {
				rt.Fatalf("%s holds %d rows of %s in version %d", s.m.Alias, len(ids), k.Path, k.Version)
			}
		}
	}
}

// bringBack starts everything that is down: all that was acknowledged is there,
// once, and nothing else.
func (m *model) bringBack(rt *rapid.T) {
	for _, n := range m.w.nodes {
		if m.w.up[n.Alias] == nil {
			m.w.start(n.Alias)
		}
	}
	for _, a := range []string{"ctl1", "ctl2", "ctl3"} {
		m.w.must(a, "resumeRecovery")
	}
	m.w.pass(3 * time.Minute)
	if got := m.w.states(); got == "no leader" || strings.Contains(got, recovering) {
		rt.Fatalf("three minutes after all are there: %s", got)
	}
	rt.Logf("%d rows sent, %d acknowledged", m.id, len(m.acknowledged))
	count := map[int]int{}
	for _, id := range strings.Fields(m.w.ids("node1")) {
		var n int
		if _, err := fmt.Sscan(id, &n); err != nil {
			rt.Fatalf("rows: %s", m.w.ids("node1"))
		}
		count[n]++
	}
	for id := range m.acknowledged {
		if count[id] != 1 {
			rt.Fatalf("acknowledged row %d is there %d times", id, count[id])
		}
	}
	if len(count) != len(m.acknowledged) {
		rt.Fatalf("%d rows, %d acknowledged", len(count), len(m.acknowledged))
	}
}
