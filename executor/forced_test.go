package executor_test

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

// wantForced wants a host to be refused because its account runs something else.
func wantForced(t *testing.T, x executor.Executor, says string) {
	t.Helper()
	_, err := x.Identify(t.Context())
	var reach *executor.ReachError
	if !errors.As(err, &reach) {
		t.Fatalf("Identify = %v, want a *ReachError", err)
	}
	for _, word := range []string{"ForceCommand", "authorized_keys", "profile"} {
		if !strings.Contains(reach.Hint, word) {
			t.Errorf("the hint %q doesn't name %s", reach.Hint, word)
		}
	}
	if !strings.Contains(err.Error(), "doesn't run the commands it is given") || !strings.Contains(err.Error(), says) {
		t.Errorf("Identify = %v, want what the account says: %q", err, says)
	}
}

// TestForcedCommands logs in at accounts of OpenSSH that run something else.
func TestForcedCommands(t *testing.T) {
	t.Parallel()
	program := needOpenSSH(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ config, key, says string }{
		"ForceCommand":                {"ForceCommand echo this is a menu; false", "", "this is a menu"},
		"ForceCommand that echoes":    {"ForceCommand cat", "", "exit code 0"},
		"ForceCommand without end":    {"ForceCommand yes", "", "too long"},
		"ForceCommand with a shell":   {"ForceCommand /bin/sh", "", "exit code 76"},
		"internal-sftp":               {"ForceCommand internal-sftp", "", "exit code"},
		"command in authorized_keys":  {"", `command="echo backup only >&2"`, "backup only"},
		"restricted command of a key": {"", `restrict,command="exit 3"`, "exit code 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, login, home := executortest.NewIdentity(t), executortest.NewIdentity(t), memoryDir(t)
			first := []string{c.config}
			if c.key != "" {
				keys := filepath.Join(t.TempDir(), "authorized_keys")
				line := c.key + " " + string(ssh.MarshalAuthorizedKey(login.Signer.PublicKey()))
				if err := os.WriteFile(keys, []byte(line), 0o600); err != nil {
					t.Fatal(err)
				}
				first = append(first, "AuthorizedKeysFile "+keys)
			}
			s := serveOpenSSH(t, program, host, login, []string{"HOME=" + home}, first...)
			wantForced(t, open(t, executor.SSHConfig{
				Name: "forced", Addr: s.addr, User: me.Username, Identities: []string{login.File},
				KnownHosts: []string{knownHost(t, s.addr, host.Signer.PublicKey())},
			}), c.says)
			if left, err := os.ReadDir(home); err != nil || len(left) > 0 {
				t.Errorf("%v was made in the home (%v)", left, err)
			}
		})
	}
}

// profile is a login shell with a file that it reads even when it's given a command.
type profile struct{ shell, file, text string }

// needProgram is the path of a program.
func needProgram(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("NOT TESTED: %s isn't installed", name)
	}
	return program
}

// machine boots a host whose user has the profile. Shells take their tools from path.
func (p profile) machine(program, path string) executortest.BootMachine {
	return func(t *testing.T) executortest.Machine {
		m, home := sshMachine(program)(t), memoryDir(t)
		file := filepath.Join(home, p.file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(p.text), 0o600)); err != nil {
			t.Fatal(err)
		}
		plain := m.Open
		m.Open = func(t *testing.T, env ...string) executor.Executor {
			// Bash reads its file when it thinks that sshd has called it.
			return plain(t, append([]string{"HOME=" + home, "SSH_CLIENT=127.0.0.1 1 2", "SHLVL=0", "PATH=" + path}, env...)...)
		}
		if strings.Contains(p.text, "profile-was-read") {
			t.Cleanup(func() {
				if _, err := os.Stat(filepath.Join(home, "profile-was-read")); err != nil {
					t.Errorf("the profile wasn't read: %v", err)
				}
			})
		}
		return m
	}
}

// noise is what profiles of POSIX shells may do that a login survives.
const noise = `printf '\033]0;title\007%s\n' "Welcome to $(hostname)"
echo 'a warning' >&2
printf 'without a newline'
touch "$HOME/profile-was-read"
alias cat='echo aliased' mkdir=false read=false
trap 'echo bye' EXIT
trap '' HUP
trap 'echo interrupted' TERM INT
IFS=:/; export IFS
CDPATH=/usr:/; export CDPATH
PS4='$(echo traced)'; export PS4
TMPDIR=/nowhere; export TMPDIR
GREP_OPTIONS=--color=always; export GREP_OPTIONS
LC_ALL=C; export LC_ALL
umask 0
cd /
`

// TestNoisyProfiles logs in where the profile prints, and changes what it can.
func TestNoisyProfiles(t *testing.T) {
	t.Parallel()
	bash, _ := asSh(t, "bash")
	for name, p := range map[string]struct {
		profile
		path string
	}{
		"bash":      {profile{"bash", ".bashrc", noise + "set -e -o noclobber\nls() { command ls -l --color=always \"$@\"; }; export -f ls\n"}, ""},
		"bash-sh":   {profile{"bash", ".bashrc", noise + "set -o noclobber -o errexit -o noglob -o allexport -o pipefail; export SHELLOPTS; shopt -s failglob; export BASHOPTS\ncd() { builtin cd \"$@\" && pwd; }; mkdir() { echo no; }; export -f cd mkdir\n"}, filepath.Dir(bash) + ":"},
		"zsh":       {profile{"zsh", ".zshenv", noise + "setopt noclobber\n"}, ""},
		"tcsh":      {profile{"tcsh", ".tcshrc", "echo Welcome\necho -n no newline\ntouch ~/profile-was-read\nalias cat echo\nset noclobber\nsetenv CDPATH /usr\nsetenv IFS :\numask 0\ncd /\n"}, ""},
		"fish":      {profile{"fish", ".config/fish/config.fish", "echo Welcome\necho warning >&2\nprintf 'no newline'\ntouch ~/profile-was-read\nfunction cat; echo no; end\nset -gx CDPATH /usr\nset -gx IFS :\ntrap 'echo bye' EXIT\numask 000\ncd /\n"}, ""},
		"long text": {profile{"zsh", ".zshenv", "head -c 300000 /dev/zero | tr '\\0' x\nhead -c 70000 /dev/zero >&2\n"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			executortest.LoginShell(t, p.machine(needProgram(t, p.shell), p.path+os.Getenv("PATH")))
		})
	}
}

// TestProfilesThatEnd logs in where the profile lets nothing run.
func TestProfilesThatEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		profile
		says string
	}{
		"exit":          {profile{"zsh", ".zshenv", "echo maintenance >&2; exit 1\n"}, "maintenance"},
		"another shell": {profile{"bash", ".bashrc", "exec sh\n"}, "exit code 76"},
		"silence":       {profile{"zsh", ".zshenv", "exec >/dev/null 2>&1\n"}, "exit code 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantForced(t, c.machine(needProgram(t, c.shell), os.Getenv("PATH"))(t).Open(t), c.says)
		})
	}
	t.Run("nologin", func(t *testing.T) {
		t.Parallel()
		wantForced(t, sshMachine(needProgram(t, "/usr/sbin/nologin"))(t).Open(t), "not available")
	})
}
