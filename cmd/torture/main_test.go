package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// stream is what `go test -json` writes of a torture test in parts, of one that
// fails and of one that was skipped.
const stream = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestTortureA"}
{"Action":"attr","Package":"p","Test":"TestTortureA/0","Key":"torture.kills","Value":"3"}
{"Action":"attr","Package":"p","Test":"TestTortureA/1","Key":"torture.kills","Value":"4"}
{"Action":"attr","Package":"p","Test":"TestTortureA","Key":"torture.duplicates","Value":"0"}
{"Action":"attr","Package":"p","Test":"TestTortureA","Key":"other","Value":"x"}
{"Action":"pass","Package":"p","Test":"TestTortureA/0","Elapsed":1}
{"Action":"pass","Package":"p","Test":"TestTortureA","Elapsed":2.4}
{"Action":"output","Package":"p","Test":"TestTortureB","Output":"    b_test.go:1: it ran twice\n"}
{"Action":"attr","Package":"p","Test":"TestTortureB","Key":"torture.duplicates","Value":"2"}
{"Action":"attr","Package":"p","Test":"TestTortureB","Key":"torture.runs","Value":"5"}
{"Action":"fail","Package":"p","Test":"TestTortureB","Elapsed":1}
{"Action":"output","Package":"p","Test":"TestTortureC","Output":"    c_test.go:1: it needs root\n"}
{"Action":"skip","Package":"p","Test":"TestTortureC","Elapsed":0}
`

func TestFiguresAddUp(t *testing.T) {
	var s sums
	var progress, out bytes.Buffer
	if err := s.read(strings.NewReader(stream), &progress); err != nil {
		t.Fatal(err)
	}
	if err := s.print(&out); err != nil {
		t.Fatal(err)
	}
	want := strings.TrimLeft(`
TEST          VERDICT  TOOK  RUNS  KILLS  CUTS  FAULTS  CASES  DUPLICATES  LOST EVENTS  OPENED GATES  LEAKED SECRETS  FALSE OUTCOMES
TestTortureA  pass     2s    –     7      –     –       –      0           –            –             –               –
TestTortureB  fail     1s    5     –      –     –       –      2           –            –             –               –
TestTortureC  skip     0s    –     –      –     –       –      –           –            –             –               –
all           fail     3s    5     7      –     –       –      2           –            –             –               –
`, "\n")
	if out.String() != want {
		t.Errorf("printed\n%s\nwanted\n%s", &out, want)
	}
	for _, said := range []string{"it ran twice", "it needs root"} {
		if !strings.Contains(progress.String(), said) {
			t.Errorf("%q is missing in:\n%s", said, &progress)
		}
	}
}

func TestAStreamThatIsNoneIsAnError(t *testing.T) {
	var s sums
	var progress bytes.Buffer
	if err := s.read(strings.NewReader("go: no such package\n"), &progress); err == nil {
		t.Error("it was read")
	}
}

func TestFuzzTestsAreFound(t *testing.T) {
	got := parseTargets("FuzzA\nFuzzB\nok  \tp/one\t0.1s\n?   \tp/none\t[no test files]\nok  \tp/two\t0.1s\nFuzzA\nok  \tp/three\t0.1s\n")
	want := []target{{"p/one", "FuzzA"}, {"p/one", "FuzzB"}, {"p/three", "FuzzA"}}
	if !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	if n := lastExecs("fuzz: elapsed: 0s, gathering\nfuzz: elapsed: 3s, execs: 120 (40/sec), new interesting: 1\nfuzz: elapsed: 5s, execs: 250 (50/sec)\nPASS\n"); n != 250 {
		t.Errorf("%d inputs", n)
	}
}
