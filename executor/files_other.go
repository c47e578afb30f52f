//go:build !linux

package executor

// renameExclusive renames unless there is something under the new name.
func renameExclusive(old, name string) error { return renameUnlessThere(old, name) }
