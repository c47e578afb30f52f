package executor_test

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"testing"

	"stepgate/executor"
)

// BenchmarkLocal measures what one use of a host costs; compare the ratios.
func BenchmarkLocal(b *testing.B) {
	x := executor.NewLocal(executor.LocalOptions{Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.TempDir()}})
	defer x.Close()
	host, err := x.Identify(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	command := executor.Command{Interpreter: "sh", Body: "true"}
	attempt := func() executor.Attempt {
		var id [16]byte
		_, _ = rand.Read(id[:]) // never fails
		return executor.Attempt{ID: hex.EncodeToString(id[:]), RunID: "bench", IntentHash: "aa", Host: host, Command: command}
	}
	done := attempt()
	if _, err := x.Start(b.Context(), done); err != nil {
		b.Fatal(err)
	}
	for name, use := range map[string]func() error{
		"identify": func() error { _, err := x.Identify(b.Context()); return err },
		"look":     func() error { _, err := x.Look(b.Context(), command, nil); return err },
		"probe":    func() error { _, err := x.Probe(b.Context(), done, false); return err },
		"attempt": func() error {
			a := attempt()
			if _, err := x.Start(b.Context(), a); err != nil {
				return err
			}
			_, err := x.Follow(b.Context(), a, executor.Offsets{}, nil)
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := use(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
