package state

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stepgate/runbook/run"
)

// text of a stream: the byte at an offset is always the same.
func streamBytes(from, to int64) []byte {
	b := make([]byte, 0, to-from)
	for o := from; o < to; o++ {
		b = append(b, byte((o/7)^(o*31)))
	}
	return b
}

// Whatever pieces come in whatever order, each byte that came is read back from
// its own offset, unless it lies between the two ends that are kept.
func TestOutputRoundTrip(t *testing.T) {
	t.Parallel()
	const keep = 1000
	s, err := Open(ctx, newPath(t), Options{KeepOutput: keep})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	no := 0
	rapid.Check(t, func(t *rapid.T) {
		no++
		attempt := fmt.Sprint("a", no)
		came := map[int64]bool{}
		var end int64
		for range rapid.IntRange(1, 5).Draw(t, "commits") {
			var batch []run.Chunk
			for range rapid.IntRange(1, 4).Draw(t, "pieces") {
				from := end
				if rapid.IntRange(0, 2).Draw(t, "how") == 0 {
					from = rapid.Int64Range(0, end+300).Draw(t, "from")
				}
				to := from + rapid.Int64Range(0, 1200).Draw(t, "len")
				batch = append(batch, run.Chunk{Attempt: attempt, Stream: 1, Offset: from, At: noon, Data: streamBytes(from, to)})
				if to > from {
					end = max(end, to)
				}
				for o := from; o < to; o++ {
					came[o] = true
				}
			}
			if err := s.AppendOutput(ctx, batch...); err != nil {
				t.Fatal(err)
			}
		}
		read := readBack(t, s, attempt, end)
		for o := range end {
			between := o >= keep && o < end-keep
			if read[o] && !came[o] || came[o] && !read[o] && !between {
				t.Fatalf("byte %d of %d: came %v, read %v", o, end, came[o], read[o])
			}
		}
		k, err := s.OutputKept(ctx, attempt, 1)
		if err != nil || k.Bytes != int64(len(read)) || k.End != end {
			t.Fatalf("kept %+v of %d to %d, %v", k, len(read), end, err)
		}
	})
}

// readBack reads a stream in random steps and returns the offsets it has got.
func readBack(t *rapid.T, s *Store, attempt string, end int64) map[int64]bool {
	read := map[int64]bool{}
	for from := int64(0); from < end; {
		most := rapid.IntRange(1, 3000).Draw(t, "most")
		data, at, last, err := s.Output(ctx, attempt, 1, from, most)
		if err != nil || last != end || at < from || len(data) == 0 || len(data) > most {
			t.Fatalf("from %d: %d bytes at %d, end %d (want %d), %v", from, len(data), at, last, end, err)
		}
		to := at + int64(len(data))
		if !bytes.Equal(data, streamBytes(at, to)) {
			t.Fatalf("bytes %d to %d aren't those of the stream", at, to)
		}
		for o := at; o < to; o++ {
			read[o] = true
		}
		from = to
	}
	return read
}

func TestOutputKeepsTheEnds(t *testing.T) {
	t.Parallel()
	const keep = 100_000
	s, err := Open(ctx, newPath(t), Options{KeepOutput: keep})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const step, total = 10_000, 1_000_000
	for off := int64(0); off < total; off += step {
		for stream := range 2 {
			c := run.Chunk{Attempt: "a1", Stream: stream, Offset: off, At: noon, Data: streamBytes(off, off+step)}
			if err := s.AppendOutput(ctx, c, c); err != nil {
				t.Fatal(err)
			}
		}
	}
	k, err := s.OutputKept(ctx, "a1", 0)
	if err != nil || k != (run.Kept{Bytes: 2 * keep, End: total, Last: noon}) {
		t.Errorf("kept %+v, %v", k, err)
	}
	data, at, end, err := s.Output(ctx, "a1", 0, 50_000, total)
	if err != nil || at != 50_000 || len(data) != 50_000 || end != total {
		t.Errorf("first end: %d bytes at %d, end %d, %v", len(data), at, end, err)
	}
	data, at, _, err = s.Output(ctx, "a1", 0, keep, total)
	if err != nil || at != total-keep || !bytes.Equal(data, streamBytes(total-keep, total)) {
		t.Errorf("last end: %d bytes at %d, %v", len(data), at, err)
	}
	data, at, end, err = s.Output(ctx, "a1", 0, total+5, 10)
	if err != nil || at != total+5 || end != total || len(data) != 0 {
		t.Errorf("past the end: %d bytes at %d, end %d, %v", len(data), at, end, err)
	}
	data, at, end, err = s.Output(ctx, "a2", 0, 0, 10)
	if err != nil || at != 0 || end != 0 || len(data) != 0 {
		t.Errorf("no output: %d bytes at %d, end %d, %v", len(data), at, end, err)
	}
}

func TestLargePieces(t *testing.T) {
	t.Parallel()
	s := openAt(t, newPath(t))
	noise := make([]byte, 3<<20+17)
	_, _ = rand.Read(noise) // never fails
	lines := []byte(strings.Repeat("2026-05-04 12:00:00 INFO moved leader 领导\n", 60_000))
	for attempt, data := range map[string][]byte{"noise": noise, "lines": lines} {
		if err := s.AppendOutput(ctx, run.Chunk{Attempt: attempt, At: noon, Data: data}); err != nil {
			t.Fatal(err)
		}
		got, at, end, err := s.Output(ctx, attempt, 0, 5, len(data))
		if err != nil || at != 5 || end != int64(len(data)) || !bytes.Equal(got, data[5:]) {
			t.Errorf("%s: %d bytes at %d, end %d, %v", attempt, len(got), at, end, err)
		}
	}
	var noisy, packed int
	err := s.r.QueryRow(`SELECT (SELECT sum(length(data)) FROM chunk WHERE attempt='noise'),
		(SELECT sum(length(data)) FROM chunk WHERE attempt='lines')`).Scan(&noisy, &packed)
	if err != nil || noisy != len(noise) || packed > len(lines)/10 {
		t.Errorf("stored %d of %d and %d of %d bytes, %v", noisy, len(noise), packed, len(lines), err)
	}
}

func TestBlobs(t *testing.T) {
	t.Parallel()
	s := openAt(t, newPath(t))
	for _, data := range [][]byte{nil, {}, books, bytes.Repeat([]byte("x"), 5<<20)} {
		for range 2 {
			sha, err := s.PutBlob(ctx, data)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Blob(ctx, sha)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %d bytes, %v", sha, len(got), err)
			}
		}
	}
	if _, err := s.Blob(ctx, strings.Repeat("0", 64)); err == nil {
		t.Error("a blob that was never kept was read")
	}
}
