package executor_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"stepgate/executor"
)

// echoHTTP tells a request back: method, url, chosen headers, body.
func echoHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Add("X-Twice", "one")
	w.Header().Add("X-Twice", "two")
	_, _ = fmt.Fprintf(w, "%s %s host=%s agent=%s accept=%q encoding=%q token=%s type=%s length=%d body=%q", r.Method, r.URL.RequestURI(), r.Host, r.UserAgent(),
		r.Header.Values("Accept"), r.Header.Get("Accept-Encoding"), r.Header.Get("X-Token"), r.Header.Get("Content-Type"), r.ContentLength, body)
	if user, password, ok := r.BasicAuth(); ok {
		_, _ = fmt.Fprintf(w, " basic=%s:%s", user, password)
	}
}

func TestRequestForm(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(echoHTTP))
	t.Cleanup(s.Close)
	host := strings.TrimPrefix(s.URL, "http://")
	for _, tt := range []struct{ text, want string }{
		{"GET " + s.URL + "/a?b=1&c=%20\n", `GET /a?b=1&c=%20 host=` + host + ` agent=stepgate accept=[] encoding="" token= type= length=0 body=""`},
		{"# health\n// of the cluster\n\n" + s.URL + "/_cluster/health", `GET /_cluster/health host=` + host + ` agent=stepgate accept=[] encoding="" token= type= length=0 body=""`},
		{"GET " + s.URL + " HTTP/1.1\nAccept: a\nAccept: b\n", `GET / host=` + host + ` agent=stepgate accept=["a" "b"] encoding="" token= type= length=0 body=""`},
		{
			"PUT " + s.URL + "/settings\r\nContent-Type: application/json\r\nX-Token:  s3 cret \r\nHost: db.internal\r\nUser-Agent: me\r\nContent-Length: 999\r\n\r\n{\"a\":\n\n\"库\"}\r\n",
			`PUT /settings host=db.internal agent=me accept=[] encoding="" token=s3 cret type=application/json length=13 body="{\"a\":\n\n\"库\"}"`,
		},
		{"GET " + s.URL + "/a\n  ?b=1\n\t&c=2\nX-Token: t\n", `GET /a?b=1&c=2 host=` + host + ` agent=stepgate accept=[] encoding="" token=t type= length=0 body=""`},
		{"GET http://me:s3cret@" + host + "/\n  \nbody", `GET / host=` + host + ` agent=stepgate accept=[] encoding="" token= type= length=4 body="body" basic=me:s3cret`},
		{"POST " + s.URL + "/form\n\na=b\n\n", `POST /form host=` + host + ` agent=stepgate accept=[] encoding="" token= type= length=4 body="a=b\n"`},
	} {
		r, err := executor.Request(t.Context(), tt.text, executor.HTTPOptions{}, nil)
		if err != nil || r.Body != tt.want || r.Status != 200 || r.Exit != 0 || r.Stderr != "" {
			t.Errorf("%q:\n got %+v %v\nwant %s", tt.text, r, err, tt.want)
		}
		if r.Headers["x-twice"] != "one, two" || r.Headers["X-Twice"] != "" {
			t.Errorf("headers %v", r.Headers)
		}
	}
}

func TestRequestMistakes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"", "read the http request: there is none"},
		{"# only\n\n", "read the http request: there is none"},
		{"GET", `read the http request: "GET" isn't a method and a url`},
		{"GET http://a b", `read the http request: "GET http://a b" isn't a method and a url`},
		{"GET /health", `read the url of the http request: "/health" is no http:// or https:// url`},
		{"GET ftp://u:secret@a/?token=secret", `read the url of the http request: "ftp://a/" is no http:// or https:// url`},
		{"GET http://a:b/secret", `read the url of the http request: invalid port ":b" after host`},
		{"G@T http://127.0.0.1:1/", `read the http request: net/http: invalid method "G@T"`},
		{"GET http://127.0.0.1:1/\nno header\n", `read the headers of the http request: malformed MIME header: missing colon: "no header"`},
	} {
		if _, err := executor.Request(t.Context(), tt.text, executor.HTTPOptions{}, nil); err == nil || err.Error() != tt.want {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
}

// Every answer is a result, and none is followed or asked for twice.
func TestRequestAnswers(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case "/missing":
			http.NotFound(w, r)
		case "/broken":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/big":
			_, _ = w.Write(make([]byte, 1001))
		case "/cut":
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("half"))
		case "/gone":
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			_ = c.Close()
		}
	}))
	t.Cleanup(s.Close)
	for _, tt := range []struct {
		path, method string
		status, exit int
		stderr, err  string
	}{
		{"/moved", "GET", 302, 0, "", ""},
		{"/missing", "GET", 404, 1, "HTTP 404 Not Found\n", ""},
		{"/broken", "POST", 503, 1, "HTTP 503 Service Unavailable\n", ""},
		{"/missing", "HEAD", 404, 1, "HTTP 404 Not Found\n", ""},
		{"/big", "GET", 0, 0, "", "its body has more than 1000 bytes"},
		{"/cut", "GET", 0, 0, "", "unexpected EOF"},
		{"/gone", "GET", 0, 0, "", "EOF"},
		{"/gone", "PUT", 0, 0, "", "EOF"},
	} {
		before := asked.Load()
		r, err := executor.Request(t.Context(), tt.method+" "+s.URL+tt.path+"?token=secret", executor.HTTPOptions{MaxBody: 1000}, nil)
		if n := asked.Load() - before; n != 1 {
			t.Errorf("%s %s was sent %d times", tt.method, tt.path, n)
		}
		if tt.err != "" {
			if err == nil || !strings.HasSuffix(err.Error(), tt.err) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v, want %s", tt.path, err, tt.err)
			}
			continue
		}
		if err != nil || r.Status != tt.status || r.Exit != tt.exit || r.Stderr != tt.stderr {
			t.Errorf("%s: %+v %v", tt.path, r, err)
		}
	}
}

func TestRequestUnanswered(t *testing.T) {
	t.Parallel()
	begun, end := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(begun)
		<-end
	}))
	t.Cleanup(func() {
		close(end)
		s.Close()
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("30 s are over")
	go func() {
		<-begun
		cancel(stop)
	}()
	if _, err := executor.Request(ctx, "GET "+s.URL, executor.HTTPOptions{}, nil); !errors.Is(err, stop) {
		t.Errorf("without an answer: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := executor.Request(t.Context(), "GET http://"+ln.Addr().String(), executor.HTTPOptions{}, nil); err == nil || !strings.HasSuffix(err.Error(), "connection refused") {
		t.Errorf("refused: %v", err)
	}
}

func TestRequestTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(echoHTTP))
	t.Cleanup(s.Close)
	s.Config.ErrorLog = nil
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ url, tls, err string }{
		{s.URL, "", "certificate signed by unknown authority"},
		{s.URL, "true", "certificate signed by unknown authority"},
		{s.URL, ca, ""},
		{s.URL, "skip-verify", ""},
		{strings.Replace(s.URL, "127.0.0.1", "localhost", 1), ca, "certificate is valid for example.com, *.example.com, not localhost"},
		{strings.Replace(s.URL, "https://127.0.0.1", "http://127.0.0.1", 1), "", ""}, // answered: 400
	} {
		r, err := executor.Request(t.Context(), "GET "+tt.url, executor.HTTPOptions{TLS: tt.tls}, nil)
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s with %q: %+v %v", tt.url, tt.tls, r, err)
		}
	}
}

// A proxy of the operator's environment is not asked.
func TestRequestIgnoresProxies(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(echoHTTP))
	t.Cleanup(s.Close)
	for _, name := range []string{"http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	dialed := ""
	d := dialerFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
		dialed = address
		return executor.Here.Dial(ctx, network, strings.TrimPrefix(s.URL, "http://"))
	})
	r, err := executor.Request(t.Context(), "GET http://health.example:8080/x", executor.HTTPOptions{}, d)
	if err != nil || dialed != "health.example:8080" || !strings.HasPrefix(r.Body, "GET /x host=health.example:8080") {
		t.Errorf("%q %+v %v", dialed, r, err)
	}
}

type dialerFunc func(ctx context.Context, network, address string) (net.Conn, error)

func (f dialerFunc) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return f(ctx, network, address)
}

func TestRequestVia(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(echoHTTP))
	t.Cleanup(s.Close)
	host := sshMachine("/bin/sh")(t).Open(t)
	r, err := executor.Request(t.Context(), "GET "+s.URL+"/via", executor.HTTPOptions{TLS: "skip-verify"}, host)
	if err != nil || !strings.HasPrefix(r.Body, "GET /via ") {
		t.Errorf("%+v %v", r, err)
	}
}
