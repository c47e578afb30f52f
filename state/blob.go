package state

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
)

// PutBlob keeps bytes under their SHA-256 in hex, which it returns. The same
// bytes are kept once.
func (s *Store) PutBlob(ctx context.Context, data []byte) (string, error) {
	sum := sha256.Sum256(data)
	sha := hex.EncodeToString(sum[:])
	if data == nil {
		data = []byte{} // a nil slice would be NULL
	}
	err := s.write(ctx, false, func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO blob(sha, data) VALUES(?, ?) ON CONFLICT DO NOTHING`, sha, data)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("keep %d bytes: %w", len(data), err)
	}
	return sha, nil
}

// Blob returns the bytes kept under a SHA-256, after it has proven that they are
// the same.
func (s *Store) Blob(ctx context.Context, sha string) ([]byte, error) {
	var data []byte
	err := s.r.QueryRowContext(ctx, `SELECT data FROM blob WHERE sha=?`, sha).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("read blob %q: the journal doesn't have it", sha)
	}
	if err != nil {
		return nil, fmt.Errorf("read blob %q: %w", sha, s.readError(err))
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != sha {
		return nil, fmt.Errorf("read blob %q: its bytes were changed after they were kept", sha)
	}
	return data, nil
}
