// Package sshconfig says how OpenSSH would reach a destination: by the
// configuration files of the user and the system.
//
// Where ssh is installed it is asked (`ssh -G`), so that Match, Include, tokens and
// whatever a site has added mean what they mean to ssh itself; `Match exec` runs its
// commands then, as it does whenever ssh is called, and a ProxyCommand is never run.
// Elsewhere a library reads the files. It reads some things wrongly and others not
// at all, so the files are scanned first, and a line that it wouldn't evaluate as
// OpenSSH does is refused by name, whether or not it concerns the destination.
//
// The package dials nothing and reads no key. It imports no sibling.
//
// The invariant: a destination is resolved as ssh would resolve it, or not at all.
package sshconfig
