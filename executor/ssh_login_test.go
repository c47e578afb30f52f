package executor_test

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepgate/executor"
	"stepgate/lab/sshd"
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
	s.renew()
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

// renew gives the site a server that nobody serves yet, so that it can be changed.
func (s *site) renew() {
	s.server = &sshd.Server{
		Signer: s.server.Signer, User: s.server.User, Authorized: s.server.Authorized, Dir: s.server.Dir, Env: s.server.Env,
	}
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
	s.renew()
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
			s.renew()
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
	s.config.Ask, s.config.DialTimeout = p, 2*time.Second
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
