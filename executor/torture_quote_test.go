package executor_test

import (
	"fmt"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"stepgate/cmd/torture/tally"
	"stepgate/executor"
)

// hostile are pieces that a shell would act on.
var hostile = []string{
	"'", `"`, "\\", "`", "$", "$(touch \"$dir/canary\")", "`touch $dir/canary`", "; touch $dir/canary;", "\n", "\r", "\t", " ", "!", "!!", "*", "~",
	"#", "&", "|", "<", ">", "(", ")", "{a,b}", "[", "]", "=", "%s", "%n", "\\c", "\\0", "-n", "--", "${dir}", "$'\\n'", "\x01", "\x7f", "\x80", "\xff",
	"\xc3\x28", "é", "平", "🚀", "\u202e", "\ufeff", "'\\''", "EOF\n", "SG_FLAT\n", "#end",
}

// value is a text that an environment can hold, made to break quoting.
func value() string {
	var b strings.Builder
	for range mrand.IntN(24) {
		switch mrand.IntN(4) {
		case 0:
			b.WriteByte(byte(1 + mrand.IntN(255)))
		case 1:
			b.WriteString(strings.Repeat(hostile[mrand.IntN(len(hostile))], 1+mrand.IntN(20)))
		default:
			b.WriteString(hostile[mrand.IntN(len(hostile))])
		}
	}
	return b.String()
}

// TestTortureT12Quoting hands random values to commands under every shell: they
// arrive byte for byte and nothing in them is acted on.
func TestTortureT12Quoting(t *testing.T) {
	const batch = 100
	for _, shell := range protocolShells {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			v, ok := newVictim(t, shell, memoryDir(t))
			if !ok {
				t.SkipNow()
			}
			count := tally.Size(t, 400)
			for done := 0; done < count; done += batch {
				a := v.attempt("")
				a.Command = executor.Command{Interpreter: "sh"}
				want := ""
				for i := range batch {
					value := value()
					a.Command.Env = append(a.Command.Env, executor.Var{Name: "v" + strconv.Itoa(i), Value: value})
					a.Command.Body += fmt.Sprintf("printf '%%s\\000' \"$v%d\"\n", i)
					want += value + "\x00"
				}
				var out output
				var err error
				if done/batch%2 == 0 {
					_, err = v.x.Look(t.Context(), a.Command, &out)
				} else if _, err = v.x.Start(t.Context(), a); err == nil {
					_, err = v.x.Follow(t.Context(), a, executor.Offsets{}, &out)
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := out.String(); got != want {
					compare(t, got, want)
				}
			}
			if _, err := os.Stat(filepath.Join(v.dir, "canary")); err == nil {
				t.Error("a value was run")
			}
			tally.Add(t, tally.Cases, count)
		})
	}
}

// compare names the values that arrived as others.
func compare(t *testing.T, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "\x00"), strings.Split(want, "\x00")
	for i := range w {
		if i >= len(g) || g[i] != w[i] {
			t.Errorf("value %d: %q, want %q", i, append(g, "nothing")[min(i, len(g))], w[i])
			return
		}
	}
	t.Errorf("%d values came, want %d", len(g), len(w))
}
