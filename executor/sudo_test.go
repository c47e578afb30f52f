package executor_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/lab/sshd"
)

// Users that only exist in the mount namespaces of these tests.
const (
	loginID = 61001
	otherID = 61002
	// loginHash is executortest.SudoPassword, as /etc/shadow has it.
	loginHash = "$6$stepgate$e.jNiQ2HiUmxdtj3xemVsdsbmEjclNMfh7Su9ktqrS46Qh2c6KAgaE7OwklJ.6mQ27e6UJNSd3tQdNIyX1AA50"
)

// sudoHome is a host for tests of sudo: its home, a directory to meet in, and its
// login shell, which runs as nobody in particular, among users and sudoers of its own.
type sudoHome struct{ home, meet, shell string }

// newSudoHome needs root, and says loudly that it was skipped without.
func newSudoHome(t *testing.T, sudoers string) sudoHome {
	t.Helper()
	for _, program := range []string{"sudo", "unshare", "setpriv", "mount"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("NOT TESTED: %s isn't installed, so no command was run as another user", program)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: users and sudoers of its own take root, so no command was run as another user")
	}
	if out, err := exec.Command("unshare", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: no mount namespace may be made here, so no command was run as another user: %s", out)
	}
	dir, err := os.MkdirTemp("/dev/shm", "sudo-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	h := sudoHome{home: filepath.Join(dir, "home"), meet: filepath.Join(dir, "meet"), shell: filepath.Join(dir, "login")}
	other := filepath.Join(dir, executortest.SudoOther)
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{dir: 0o755, h.home: 0o700, h.meet: 0o777, other: 0o700} {
		_ = os.Mkdir(name, mode) // dir is there
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, id := range map[string]int{h.home: loginID, other: otherID} {
		if err := os.Chown(name, id, id); err != nil {
			t.Fatal(err)
		}
	}
	for name, more := range map[string]string{
		"passwd": fmt.Sprintf("%s:x:%d:%[2]d::%s:/bin/sh\n%s:x:%d:%[5]d::%s:/bin/sh\n", executortest.SudoLogin, loginID, h.home, executortest.SudoOther, otherID, other),
		"group":  fmt.Sprintf("%s:x:%d:\n%s:x:%d:\n", executortest.SudoLogin, loginID, executortest.SudoOther, otherID),
		"shadow": fmt.Sprintf("%s:%s:19000:0:99999:7:::\n%s:!:19000:0:99999:7:::\n", executortest.SudoLogin, loginHash, executortest.SudoOther),
	} {
		system, err := os.ReadFile("/etc/" + name)
		if err != nil {
			t.Fatal(err)
		}
		write(name, strings.TrimRight(string(system), "\n")+"\n"+more, 0o644)
	}
	write("sudoers", sudoers, 0o440)
	write("pam", "auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_permit.so\n", 0o644)
	write("login", fmt.Sprintf(`#!/bin/sh
exec unshare -m sh -c '
d=$1
shift
for f in passwd group shadow sudoers; do mount --bind "$d/$f" "/etc/$f" || exit 70; done
mount --bind "$d/pam" /etc/pam.d/sudo || exit 70
mkdir -p "$d/tickets" /run/sudo && mount --bind "$d/tickets" /run/sudo || exit 70
exec setpriv --reuid %d --regid %[1]d --init-groups /bin/sh "$@"' sh '%s' "$@"
`, loginID, dir), 0o755)
	return h
}

func TestSudo(t *testing.T) {
	t.Parallel()
	boot := func(t *testing.T, sudoers string) executortest.Sudoer {
		h := newSudoHome(t, sudoers)
		return executortest.Sudoer{Meet: h.meet, Open: func(t *testing.T, ask executor.Asker, env ...string) executor.Executor {
			login := append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.home, "LANG=C.UTF-8"}, executortest.LoginEnv...)
			x := executor.NewLocal(executor.LocalOptions{Dir: h.home, Shell: h.shell, Env: append(login, env...), Ask: ask})
			t.Cleanup(func() {
				if err := x.Close(); err != nil {
					t.Error(err)
				}
			})
			return x
		}}
	}
	executortest.Sudo(t, boot)
	t.Run("leash", func(t *testing.T) {
		t.Parallel()
		executortest.SudoLeash(t, boot)
	})
	t.Run("terminal", func(t *testing.T) { executortest.SudoTerminal(t, boot) })
}

func TestSudoOverSSH(t *testing.T) {
	t.Parallel()
	executortest.Sudo(t, func(t *testing.T, sudoers string) executortest.Sudoer {
		h, host, user := newSudoHome(t, sudoers), executortest.NewIdentity(t), executortest.NewIdentity(t)
		return executortest.Sudoer{Meet: h.meet, Open: func(t *testing.T, ask executor.Asker, env ...string) executor.Executor {
			s := &sshd.Server{
				Signer: host.Signer, User: executortest.SudoLogin, Authorized: []ssh.PublicKey{user.Signer.PublicKey()}, Dir: h.home, Shell: h.shell,
				Env: append(append([]string{"LANG=C.UTF-8"}, executortest.LoginEnv...), env...),
			}
			addr := serve(t, s)
			x := executor.NewSSH(executor.SSHConfig{
				Name: "tablet-1", Addr: addr, User: executortest.SudoLogin, Ask: ask,
				KnownHosts: []string{knownHost(t, addr, host.Signer.PublicKey())}, Identities: []string{user.File},
			})
			t.Cleanup(func() {
				if err := x.Close(); err != nil {
					t.Error(err)
				}
			})
			return x
		}}
	})
}
