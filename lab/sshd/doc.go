// Package sshd is an SSH server for one simulated host: public keys only, real
// shells on pipes, stdout and stderr apart, sftp, and forwarding to loopback.
//
// It owns connections and the commands of their sessions, and imports nothing of
// the project. It refuses to listen anywhere but on loopback.
//
// It behaves as OpenSSH does where a client can tell: environment requests,
// terminals and subsystems other than sftp are refused; at most ten sessions per connection; a
// session ends when its command has exited and nobody holds its output pipes any
// more; a signal request does nothing; a command whose connection is gone goes
// on, only its pipes break.
//
// The invariant: every process and goroutine that a session started is ended
// and waited for when Serve returns. What a command has itself put into the
// background is not the server's.
package sshd
