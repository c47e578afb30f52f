package state

import (
	"bytes"
	"compress/flate"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"stepgate/runbook/run"
)

const (
	maxPiece = 1 << 20 // bytes in a row of the table
	minPack  = 256     // below, compression doesn't pay

	codecPlain   = 0
	codecDeflate = 1
)

// span is a part of a stream: its bytes from..to.
type span struct{ from, to int64 }

func (s span) empty() bool { return s.from >= s.to }

// without returns what is left of s outside cut.
func (s span) without(cut span) []span {
	var left []span
	for _, p := range []span{{s.from, min(s.to, cut.from)}, {max(s.from, cut.to), s.to}} {
		if !p.empty() {
			left = append(left, p)
		}
	}
	return left
}

// AppendOutput keeps pieces of attempts' output in one durable transaction.
// Bytes that are kept already are ignored. Of each stream the first and the last
// KeepOutput bytes stay; what lies between is let go as the stream grows.
func (s *Store) AppendOutput(ctx context.Context, chunks ...run.Chunk) error {
	pieces := merge(chunks)
	if len(pieces) == 0 {
		return nil
	}
	err := s.write(ctx, false, func(tx *sql.Tx) error {
		for _, p := range pieces {
			if err := s.keep(tx, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the output of attempt %q: %w", pieces[0].Attempt, err)
	}
	return nil
}

// merge joins pieces that follow each other in their stream.
func merge(chunks []run.Chunk) []run.Chunk {
	type stream struct {
		attempt string
		no      int
	}
	last := map[stream]int{}
	var out []run.Chunk
	var ours []bool // out's data is a copy, which may grow in its place
	for _, c := range chunks {
		if len(c.Data) == 0 {
			continue
		}
		id := stream{c.Attempt, c.Stream}
		if i, ok := last[id]; ok && out[i].Offset+int64(len(out[i].Data)) == c.Offset {
			if !ours[i] {
				out[i].Data, ours[i] = slices.Clone(out[i].Data), true
			}
			out[i].Data = append(out[i].Data, c.Data...)
			continue
		}
		last[id] = len(out)
		out, ours = append(out, c), append(ours, false)
	}
	return out
}

// keep stores what is new of a piece and lets go what isn't kept any more.
func (s *Store) keep(tx *sql.Tx, c run.Chunk) error {
	whole := span{c.Offset, c.Offset + int64(len(c.Data))}
	end, err := streamEnd(tx.QueryRow, c.Attempt, c.Stream)
	if err != nil {
		return err
	}
	gone := span{math.MaxInt64, math.MaxInt64}
	if s.opt.KeepOutput > 0 {
		gone = span{s.opt.KeepOutput, max(end, whole.to) - s.opt.KeepOutput}
	}
	parts := []span{whole}
	if !gone.empty() {
		parts = whole.without(gone)
	}
	if whole.from < end {
		if parts, err = missing(tx, c.Attempt, c.Stream, whole, parts); err != nil {
			return err
		}
	}
	for _, p := range parts {
		for ; !p.empty(); p.from += maxPiece {
			to := min(p.to, p.from+maxPiece)
			if err := putPiece(tx, c, p.from, c.Data[p.from-c.Offset:to-c.Offset]); err != nil {
				return err
			}
		}
	}
	if gone.empty() {
		return nil
	}
	_, err = tx.Exec(`DELETE FROM chunk WHERE attempt=? AND stream=? AND off>=? AND off<? AND off+len<=?`,
		c.Attempt, c.Stream, gone.from, gone.to, gone.to)
	return err
}

// streamEnd returns the offset after the last byte kept.
func streamEnd(query func(string, ...any) *sql.Row, attempt string, stream int) (end int64, err error) {
	err = query(`SELECT off+len FROM chunk WHERE attempt=? AND stream=? ORDER BY off DESC LIMIT 1`, attempt, stream).Scan(&end)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return end, err
}

// missing takes away from parts, all within whole, what is kept already.
func missing(tx *sql.Tx, attempt string, stream int, whole span, parts []span) (_ []span, err error) {
	rows, err := tx.Query(`SELECT off, off+len FROM chunk WHERE attempt=? AND stream=? AND off>? AND off<? AND off+len>?`,
		attempt, stream, whole.from-maxPiece, whole.to, whole.from)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var kept span
		if err := rows.Scan(&kept.from, &kept.to); err != nil {
			return nil, err
		}
		var left []span
		for _, p := range parts {
			left = append(left, p.without(kept)...)
		}
		parts = left
	}
	return parts, rows.Err()
}

func putPiece(tx *sql.Tx, c run.Chunk, off int64, data []byte) error {
	codec, packed, err := pack(data)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO chunk(attempt, stream, off, len, wall_ns, codec, data) VALUES(?,?,?,?,?,?,?)`,
		c.Attempt, c.Stream, off, len(data), c.At.UnixNano(), codec, packed)
	return err
}

// packer compresses. A flate.Writer has a megabyte of tables, so it is used again.
type packer struct {
	b bytes.Buffer
	w *flate.Writer
}

var packers = sync.Pool{New: func() any {
	p := &packer{}
	p.w, _ = flate.NewWriter(&p.b, flate.BestSpeed) // fails for other levels only
	return p
}}

// pack compresses data where that saves an eighth or more.
func pack(data []byte) (codec int, packed []byte, err error) {
	if len(data) < minPack {
		return codecPlain, data, nil
	}
	p := packers.Get().(*packer) //nolint:forcetypeassert // by New
	defer packers.Put(p)
	p.b.Reset()
	p.w.Reset(&p.b)
	_, err = p.w.Write(data)
	if err := errors.Join(err, p.w.Close()); err != nil {
		return 0, nil, err
	}
	if p.b.Len() > len(data)-len(data)/8 {
		return codecPlain, data, nil
	}
	return codecDeflate, bytes.Clone(p.b.Bytes()), nil
}

func unpack(codec int, data []byte, size int64) ([]byte, error) {
	switch codec {
	case codecPlain:
	case codecDeflate:
		var err error
		r := flate.NewReader(bytes.NewReader(data))
		if data, err = io.ReadAll(io.LimitReader(r, size+1)); err != nil {
			return nil, fmt.Errorf("a compressed piece is damaged: %w", err)
		}
	default:
		return nil, fmt.Errorf("a piece is packed in a way (%d) that this version doesn't know", codec)
	}
	if int64(len(data)) != size {
		return nil, fmt.Errorf("a piece has %d bytes and must have %d", len(data), size)
	}
	return data, nil
}

// Output reads what is kept of a stream from an offset of the command's own
// output, at most most bytes and never across a gap. at is the offset of the
// first byte returned: larger than from where something was left out, and the
// end where nothing more is kept. end is the offset after the last byte kept.
func (s *Store) Output(ctx context.Context, attempt string, stream int, from int64, most int) (data []byte, at, end int64, err error) {
	data, at, end, err = s.output(ctx, attempt, stream, from, most)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("read the output of attempt %q: %w", attempt, s.readError(err))
	}
	return data, at, end, nil
}

const chunkColumns = `SELECT off, len, codec, data FROM chunk`

func (s *Store) output(ctx context.Context, attempt string, stream int, from int64, most int) (_ []byte, at, end int64, err error) {
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // one snapshot for both
	if err != nil {
		return nil, 0, 0, err
	}
	defer func() { err = errors.Join(err, ignoreDone(tx.Rollback())) }()
	if end, err = streamEnd(tx.QueryRow, attempt, stream); err != nil {
		return nil, 0, 0, err
	}
	rows, err := tx.Query(chunkColumns+`
		WHERE attempt=? AND stream=? AND off>? AND off+len>? ORDER BY off`, attempt, stream, from-maxPiece, from)
	if err != nil {
		return nil, 0, 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var out []byte
	at = max(from, end)
	for len(out) < most && rows.Next() {
		var off, size int64
		var codec int
		var packed []byte
		if err := rows.Scan(&off, &size, &codec, &packed); err != nil {
			return nil, 0, 0, err
		}
		if out == nil {
			at = max(from, off)
		} else if off != at+int64(len(out)) {
			break
		}
		piece, err := unpack(codec, packed, size)
		if err != nil {
			return nil, 0, 0, err
		}
		piece = piece[max(0, at-off):]
		out = append(out, piece[:min(len(piece), most-len(out))]...)
	}
	return out, at, end, rows.Err()
}

// OutputKept tells how much of a stream is kept.
func (s *Store) OutputKept(ctx context.Context, attempt string, stream int) (run.Kept, error) {
	var k run.Kept
	var last int64
	err := s.r.QueryRowContext(ctx, `SELECT coalesce(sum(len), 0), coalesce(max(off+len), 0), coalesce(max(wall_ns), 0)
		FROM chunk WHERE attempt=? AND stream=?`, attempt, stream).Scan(&k.Bytes, &k.End, &last)
	if err != nil {
		return run.Kept{}, fmt.Errorf("read the output of attempt %q: %w", attempt, s.readError(err))
	}
	if k.End > 0 {
		k.Last = time.Unix(0, last).UTC()
	}
	return k, nil
}
