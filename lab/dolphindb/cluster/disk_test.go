package cluster

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"stepgate/lab/dolphindb/script"
)

func TestRowsSurviveARestartOfEverything(t *testing.T) {
	t.Parallel()
	w := ready(t)
	w.reopen()
	w.everything()
	w.is("rows", w.ids("node1"), "1 2 3")
	w.is("states", w.states(), "COMPLETE 4")
}

// Facts 4: an empty volumes directory has no rows, and nobody says so.
func TestDataThatWasNotCopiedIsMissing(t *testing.T) {
	t.Parallel()
	w := ready(t)
	nodes := []string{"node1", "node2", "node3"}
	w.stop(nodes...)
	for _, n := range nodes {
		if err := os.RemoveAll(w.member(n).Dirs["volumes"]); err != nil {
			t.Fatal(err)
		}
	}
	w.start(nodes...)
	w.pass(time.Minute)
	w.is("rows", w.ids("node1"), "")
	w.is("states", w.states(), "COMPLETE 4")
}

// A node that lost all of its directories gets everything from the others.
func TestANodeWithoutMetadataCatchesUp(t *testing.T) {
	t.Parallel()
	w := ready(t)
	w.stop("node1")
	for _, dir := range w.member("node1").Dirs {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	w.start("node1")
	w.pass(time.Minute)
	w.stop("node2")
	w.is("rows without node2", w.ids("node1"), "1 2 3")
}

// A write that was not committed when everything died leaves nothing behind, not
// even half a line, and the next one takes its place.
func TestAWriteThatDiedHalfwayIsUndone(t *testing.T) {
	t.Parallel()
	w := ready(t)
	row := [][]script.Value{{w.now, "a", int64(4)}}
	half := map[string]string{}
	for _, n := range []string{"node1", "node2", "node3"} {
		s := w.up[n].store
		for id, v := range s.meta.Versions {
			if k := w.up["ctl1"].cat.chunk(id); k.Value == "20230110" {
				if err := s.add(id, v+1, row); err != nil {
					t.Fatal(err)
				}
			} else if k.Value == "20230109" {
				half[s.path(id)] = id
			}
		}
	}
	for path := range half {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(`{"v":2,"rows":[[{"t":"ts`); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	w.reopen()
	w.everything()
	w.is("after the restart", w.ids("node1"), "1 2 3")
	w.put("node1", 9, 5)
	w.put("node1", 10, 6)
	w.reopen()
	w.everything()
	w.is("after another write and restart", w.ids("node1"), "1 5 2 3 6")
}

// Facts 2.A, rollback: metadata that was put back has rows written since fall
// away where all of it was, and come back from the others where one node's was.
func TestMetadataThatWasPutBack(t *testing.T) {
	t.Parallel()
	w := ready(t)
	w.stop("node1", "node2", "node3")
	saved := map[string][]byte{}
	keep := func(read func(path string) ([]byte, error)) {
		for _, a := range []string{"node1", "node2", "node3"} {
			path := filepath.Join(w.member(a).Dirs["chunkMetaDir"], chunkMetaFile, "chunks.json")
			data, err := read(path)
			if err != nil {
				t.Fatal(err)
			}
			saved[path] = data
		}
		for _, a := range []string{"ctl1", "ctl2", "ctl3"} {
			path := filepath.Join(w.member(a).Dirs["dfsMetaDir"], catalogueFile)
			data, err := read(path)
			if err != nil {
				t.Fatal(err)
			}
			saved[path] = data
		}
	}
	keep(os.ReadFile)
	w.start("node1", "node2", "node3")
	w.pass(time.Minute)
	w.put("node1", 10, 4)
	w.put("node1", 10, 5)
	putBack := func(path string) ([]byte, error) { return saved[path], os.WriteFile(path, saved[path], 0o600) }

	one := filepath.Join(w.member("node1").Dirs["chunkMetaDir"], chunkMetaFile, "chunks.json")
	w.stop("node1")
	if _, err := putBack(one); err != nil {
		t.Fatal(err)
	}
	w.start("node1")
	w.pass(time.Minute)
	w.stop("node2")
	w.is("one node's metadata", w.ids("node1"), "1 2 3 4 5")

	w.stop("node1", "node3", "ctl1", "ctl2", "ctl3")
	keep(putBack)
	w.start("ctl1", "ctl2", "ctl3", "node1", "node2", "node3")
	w.pass(time.Minute)
	w.is("everybody's metadata", w.ids("node1"), "1 2 3")
	w.put("node1", 10, 6)
	w.is("and a row after it", w.ids("node1"), "1 2 3 6")
}
