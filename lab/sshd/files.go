package sshd

import (
	"context"
	"log/slog"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// files serves the sftp subsystem: the files of this machine, paths beginning in
// the home. It ends with its client, or when the connection is gone.
func (s *Server) files(gone context.Context, channel ssh.Channel) {
	server, err := sftp.NewServer(channel, sftp.WithServerWorkingDirectory(s.Dir))
	if err != nil {
		return // the client sees its channel end
	}
	stop := context.AfterFunc(gone, func() { _ = channel.Close() }) // it ends the server
	defer stop()
	if err := server.Serve(); err != nil && gone.Err() == nil {
		slog.Debug("sftp ended", "error", err)
	}
	_ = server.Close() // open files are closed; the error was told
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
}
