package executor_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepgate/executor"
)

// person answers what logins ask.
type person struct {
	answer func(p executor.Prompt) (string, error)

	mu       sync.Mutex
	asked    []executor.Prompt
	accepted []string
}

func (p *person) Ask(_ context.Context, q executor.Prompt) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, q)
	return p.answer(q)
}

func (p *person) HostKeyAccepted(host, address, key, file string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accepted = append(p.accepted, strings.Join([]string{host, address, key, file}, "|"))
}

// questions are what was asked so far.
func (p *person) questions() []executor.Prompt {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// types answers everything with these, in turn; after that the person declines.
func types(answers ...string) *person {
	p := &person{}
	p.answer = func(executor.Prompt) (string, error) {
		if n := len(p.asked); n <= len(answers) {
			return answers[n-1], nil
		}
		return "", executor.ErrDeclined
	}
	return p
}

// passwordSite is a site that takes a password only. tried counts the passwords that
// it was sent.
func passwordSite(t *testing.T, password string) (s *site, tried *atomic.Int32) {
	t.Helper()
	s, tried = newSite(t), new(atomic.Int32)
	s.config.Identities = nil
	s.server.Configure = func(c *ssh.ServerConfig) {
		c.PublicKeyCallback = nil
		c.PasswordCallback = func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
			tried.Add(1)
			if string(given) != password {
				return nil, errors.New("no")
			}
			return nil, nil
		}
		c.BannerCallback = func(ssh.ConnMetadata) string { return "Authorised use only.\nToken: 7\n" }
	}
	s.restart(t)
	return s, tried
}

// restart serves the site anew, with how its server is configured since.
func (s *site) restart(t *testing.T) {
	t.Helper()
	s.addr = serve(t, s.server)
	s.config.Addr = s.addr
	s.config.KnownHosts = []string{knownHost(t, s.addr, s.server.Signer.PublicKey())}
}

// refused expects a ReachError with texts in it.
func refused(t *testing.T, err error, texts ...string) {
	t.Helper()
	var reach *executor.ReachError
	if !errors.As(err, &reach) {
		t.Fatalf("got %v, want a ReachError", err)
	}
	for _, want := range texts {
		if !strings.Contains(reach.Error()+"\n"+reach.Hint, want) {
			t.Errorf("it lacks %q:\n%s\n%s", want, reach.Error(), reach.Hint)
		}
	}
}

func TestPasswordIsAsked(t *testing.T) {
	t.Parallel()
	s, tried := passwordSite(t, "open sesame")
	p := types("sesame", "open sesame")
	s.config.Ask = p
	if _, err := open(t, s.config).Identify(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked := p.questions()
	if len(asked) != 2 || tried.Load() != 2 {
		t.Fatalf("asked %+v, %d passwords sent", asked, tried.Load())
	}
	first, again := asked[0], asked[1]
	if first.Kind != executor.PromptPassword || first.Host != "tablet-1" || !strings.Contains(first.Text, "ops@"+s.addr) || first.Echo || first.Again != "" ||
		!slices.Contains(first.Detail, "Token: 7") {
		t.Errorf("the first question was %+v", first)
	}
	if again.Again == "" {
		t.Errorf("the second question doesn't say why: %+v", again)
	}
}

func TestTwoWrongPasswordsAreEnough(t *testing.T) {
	t.Parallel()
	s, tried := passwordSite(t, "open sesame")
	s.config.Ask = types("a", "b", "c", "d", "e")
	_, err := open(t, s.config).Identify(t.Context())
	refused(t, err, "didn't take the password", "get locked")
	if tried.Load() != 2 {
		t.Errorf("%d passwords were sent", tried.Load())
	}
}

func TestNobodyIsAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ask  executor.Asker
		want []string
	}{
		"no asker": {nil, []string{"it takes a password, and there is nobody to ask", "ssh-keygen -t ed25519"}},
		"nobody": {&person{answer: func(executor.Prompt) (string, error) { return "", executor.ErrNobody }}, []string{
			"it takes a password, and there is nobody to ask",
		}},
		"declined": {types(), []string{"declined", "try the host again"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, tried := passwordSite(t, "x")
			s.config.Ask = c.ask
			_, err := open(t, s.config).Identify(t.Context())
			refused(t, err, c.want...)
			if tried.Load() != 0 {
				t.Errorf("%d passwords were sent", tried.Load())
			}
		})
	}
}

// TestConnectionMadeAnewAsksNobody loses the link of a login that was typed: a call
// that goes on by itself says that it needs a login, and reaching the host on purpose
// asks again.
func TestConnectionMadeAnewAsksNobody(t *testing.T) {
	t.Parallel()
	s, tried := passwordSite(t, "x")
	p := &person{answer: func(executor.Prompt) (string, error) { return "x", nil }}
	s.config.Ask = p
	x := open(t, s.config)
	host, err := x.Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := executor.Attempt{ID: strings.Repeat("1", 32), RunID: "r", IntentHash: "a", Host: host, Command: executor.Command{Interpreter: "sh", Body: "true"}}
	probe := func() error {
		_, err := x.Probe(t.Context(), a, false)
		return err
	}
	if err := probe(); err != nil {
		t.Fatal(err)
	}
	s.server.CloseConnections()
	for range 2 { // the first may find out only that the link is gone
		err = probe()
	}
	refused(t, err, "it needs a login", "try the host again")
	if len(p.questions()) != 1 || tried.Load() != 1 {
		t.Errorf("asked %d times, %d passwords sent", len(p.questions()), tried.Load())
	}
	if _, err := x.Identify(t.Context()); err != nil || len(p.questions()) != 2 {
		t.Errorf("on purpose: %v, asked %d times", err, len(p.questions()))
	}
	if err := probe(); err != nil {
		t.Error(err)
	}
}

func TestQuestionsInTheServersWords(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.config.Identities = nil
	s.server.Configure = func(c *ssh.ServerConfig) {
		c.PublicKeyCallback = nil
		c.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			a, err := ask("Two things", "Have your token ready.\n", []string{"Colour: ", "PIN:\n of the token "}, []bool{true, false})
			if err != nil || len(a) != 2 || a[0] != "blue" || a[1] != "1234" {
				return nil, errors.New("no")
			}
			if _, err := ask("", "Welcome.", nil, nil); err != nil { // some say a last word
				return nil, err
			}
			return nil, nil
		}
	}
	s.restart(t)
	p := types("blue", "4321", "blue", "1234")
	s.config.Ask = p
	if _, err := open(t, s.config).Identify(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked := p.questions()
	if len(asked) != 4 {
		t.Fatalf("asked %+v", asked)
	}
	colour, pin, again := asked[0], asked[1], asked[2]
	if colour.Kind != executor.PromptInteractive || colour.Text != "Colour:" || !colour.Echo ||
		!slices.Equal(colour.Detail, []string{"Two things", "Have your token ready."}) {
		t.Errorf("the first question was %+v", colour)
	}
	if pin.Text != "PIN: of the token" || pin.Echo || pin.Again != "" || again.Again == "" {
		t.Errorf("the others were %+v, %+v", pin, again)
	}
}

func TestPassphraseIsAskedOnceForAllHosts(t *testing.T) {
	t.Parallel()
	one, two, stranger := newSite(t), newSite(t), newSite(t)
	file := lockedKey(t)
	signer := unlocked(t, file)
	logins := executor.NewLogins()
	p := types("wrong", "secret")
	for _, s := range []*site{one, two, stranger} {
		if s != stranger {
			s.server.Authorized = []ssh.PublicKey{signer.PublicKey()}
			s.restart(t)
		}
		s.config.Identities, s.config.Ask, s.config.Logins = []string{file}, p, logins
	}
	// A server that wouldn't take the key isn't worth a passphrase.
	_, err := open(t, stranger.config).Identify(t.Context())
	refused(t, err, "refused every key", "ssh-add "+file)
	if n := len(p.questions()); n != 0 {
		t.Fatalf("%d questions were asked for nothing", n)
	}
	for _, s := range []*site{one, two} {
		x := open(t, s.config)
		if _, err := x.Identify(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.server.CloseConnections()
		// An unlocked key is a key: it needs nobody.
		if _, err := x.Look(t.Context(), executor.Command{Interpreter: "sh", Body: "true"}, nil); err != nil {
			if _, err = x.Look(t.Context(), executor.Command{Interpreter: "sh", Body: "true"}, nil); err != nil {
				t.Errorf("after a lost link: %v", err)
			}
		}
	}
	asked := p.questions()
	if len(asked) != 2 || asked[0].Kind != executor.PromptPassphrase || !strings.Contains(asked[0].Text, file) || asked[1].Again == "" {
		t.Errorf("asked %+v", asked)
	}
}

func unlocked(t *testing.T, file string) ssh.Signer {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.ParsePrivateKeyWithPassphrase(text, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTakingTime has a person who takes longer than the host is given.
func TestTakingTime(t *testing.T) {
	t.Parallel()
	s, _ := passwordSite(t, "x")
	release := make(chan struct{})
	p := &person{answer: func(executor.Prompt) (string, error) { <-release; return "x", nil }}
	s.config.Ask, s.config.DialTimeout = p, 300*time.Millisecond
	x := open(t, s.config)
	done := make(chan error, 1)
	go func() { _, err := x.Identify(t.Context()); done <- err }()
	// The dial timeout is spent while the person thinks; other hosts show that time passes.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c := s.config
	c.Addr, c.Ask = silent.Addr().String(), nil
	_, err = open(t, c).Identify(t.Context())
	refused(t, err, "no login at")
	_, err = open(t, c).Identify(t.Context())
	refused(t, err, "no login at")
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestJumps goes over two hosts, each with keys, names and known hosts of its own; the
// password of the first is asked once for all hosts behind it.
func TestJumps(t *testing.T) {
	t.Parallel()
	first, tried := passwordSite(t, "jump")
	middle, target, other := newSite(t), newSite(t), newSite(t)
	first.config.Name, middle.config.Name = "first", "middle"
	p := types("jump")
	logins := executor.NewLogins()
	for _, s := range []*site{target, other} {
		s.config.Jumps = []executor.SSHConfig{first.config, middle.config}
		s.config.Ask, s.config.Logins = p, logins
		x := open(t, s.config)
		host, err := x.Identify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if host.HostKey != ssh.FingerprintSHA256(s.server.Signer.PublicKey()) {
			t.Errorf("HostKey = %s", host.HostKey)
		}
		var o output
		res, err := x.Look(t.Context(), executor.Command{Interpreter: "sh", Body: `echo "$SSH_CONNECTION"`}, &o)
		_, port, _ := net.SplitHostPort(s.addr)
		if err != nil || res.Exit != 0 || !strings.HasSuffix(strings.TrimSpace(o.String()), " "+port) {
			t.Errorf("Look = %+v, %v, %q", res, err, o.String())
		}
	}
	if len(p.questions()) != 1 || tried.Load() != 2 || p.questions()[0].Host != "first" {
		t.Errorf("asked %+v, %d passwords sent", p.questions(), tried.Load())
	}
	// Every host on the way is verified.
	wrong := target.config
	wrong.Ask, wrong.Jumps = types("jump"), slices.Clone(wrong.Jumps)
	wrong.Jumps[1].KnownHosts = []string{knownHost(t, middle.addr, newIdentity(t).signer.PublicKey())}
	_, err := open(t, wrong).Identify(t.Context())
	refused(t, err, `jump host "middle": the host key of`, "has changed")
	gone := target.config
	gone.Ask, gone.Addr = types("jump"), "127.0.0.1:1"
	_, err = open(t, gone).Identify(t.Context())
	refused(t, err, "connect to 127.0.0.1:1 from the host before it")
}

// TestJumpsAreClosed leaves no connection on the way when the host isn't reached, and
// none when it's closed.
func TestJumpsAreClosed(t *testing.T) {
	t.Parallel()
	jump, target := newSite(t), newSite(t)
	open := make(chan int, 100)
	jump.server.Activity = func(n int) { open <- n }
	jump.restart(t)
	target.config.Jumps = []executor.SSHConfig{jump.config}
	x := executor.NewSSH(target.config)
	if _, err := x.Identify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	target.config.Identities = nil
	x = executor.NewSSH(target.config)
	if _, err := x.Identify(t.Context()); err == nil {
		t.Fatal("it let us in without a key")
	}
	defer x.Close()
	for _, want := range []int{1, 0, 1, 0} {
		if n := <-open; n != want {
			t.Fatalf("%d connections to the jump host, want %d", n, want)
		}
	}
}

// TestCertificateIsOffered logs in by a certificate beside the key, and by one that is
// named.
func TestCertificateIsOffered(t *testing.T) {
	t.Parallel()
	authority := newIdentity(t)
	for _, named := range []bool{false, true} {
		t.Run(fmt.Sprintf("named=%v", named), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			checker := &ssh.CertChecker{IsUserAuthority: func(k ssh.PublicKey) bool {
				return string(k.Marshal()) == string(authority.signer.PublicKey().Marshal())
			}}
			s.server.Configure = func(c *ssh.ServerConfig) { c.PublicKeyCallback = checker.Authenticate }
			s.restart(t)
			cert := &ssh.Certificate{
				Key: s.user.signer.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"ops"}, ValidBefore: ssh.CertTimeInfinity,
			}
			if err := cert.SignCert(strings.NewReader(strings.Repeat("r", 64)), authority.signer); err != nil {
				t.Fatal(err)
			}
			file := s.user.file + "-cert.pub"
			if named {
				file = filepath.Join(t.TempDir(), "elsewhere.pub")
				s.config.Certificates = []string{file}
			}
			if _, err := open(t, s.config).Identify(t.Context()); err == nil {
				t.Fatal("it let us in without the certificate")
			}
			if err := os.WriteFile(file, ssh.MarshalAuthorizedKey(cert), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := open(t, s.config).Identify(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
