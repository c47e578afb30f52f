package executor

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"
)

// HTTPOptions say how a request is sent. The zero value verifies certificates and
// host names against the system's authorities.
type HTTPOptions struct {
	TLS     string // "", "true": verified; "skip-verify": not; else a file of authorities (PEM)
	MaxBody int64  // bytes of the response's body; 0: 32 MiB
}

// HTTPResult is a server's answer. Whatever its status, the request was answered.
type HTTPResult struct {
	Exit    int // 0 for a status of 200 to 399, else 1
	Status  int
	Stderr  string            // "HTTP 404 Not Found" when Exit isn't 0
	Headers map[string]string // names in lower case, several values joined by ", "
	Body    string
	Took    time.Duration // to the end of the body
}

const maxHTTPBody = 32 << 20

// Request sends the one request that text holds, in the form of .http files: "GET
// url", headers, an empty line, the body. The url goes on in indented lines under it.
// Lines before the request that begin with # or // are comments; a url without a
// method is a GET. The line break that ends the text is no part of the body.
//
// Redirects aren't followed, no proxy is used, nothing is sent twice, and compressed
// bodies come as they are. An error means that the answer isn't known: not reached,
// no valid certificate, cut, timed out, or longer than the limit; the request may
// have had its effect.
func Request(ctx context.Context, text string, o HTTPOptions, d Dialer) (HTTPResult, error) {
	req, err := readRequest(ctx, text)
	if err != nil {
		return HTTPResult{}, err
	}
	config, err := tlsConfig(o.TLS, req.URL.Hostname())
	if err != nil {
		return HTTPResult{}, err
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return from(d).Dial(ctx, "tcp", address)
		},
		TLSClientConfig: config, DisableKeepAlives: true, DisableCompression: true,
		MaxResponseHeaderBytes: 1 << 20,
	}
	defer transport.CloseIdleConnections()
	begin := time.Now()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return HTTPResult{}, fmt.Errorf("request %s %q: %w", req.Method, shownURL(req.URL), requestError(ctx, err))
	}
	defer func() { _ = resp.Body.Close() }() // it was read to its end, or given up
	return readResponse(ctx, req, resp, o.MaxBody, begin)
}

func requestError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// shownURL is a url without its password and query, which may hold secrets.
func shownURL(u *url.URL) string {
	shown := *u
	shown.User, shown.RawQuery, shown.Fragment = nil, "", ""
	return shown.String()
}

func readResponse(ctx context.Context, req *http.Request, resp *http.Response, limit int64, begin time.Time) (HTTPResult, error) {
	if limit <= 0 {
		limit = maxHTTPBody
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return HTTPResult{}, fmt.Errorf("read the answer of %s %q: %w", req.Method, shownURL(req.URL), requestError(ctx, err))
	case int64(len(body)) > limit:
		return HTTPResult{}, fmt.Errorf("read the answer of %s %q: its body has more than %d bytes", req.Method, shownURL(req.URL), limit)
	}
	r := HTTPResult{Status: resp.StatusCode, Headers: map[string]string{}, Body: string(body), Took: time.Since(begin)}
	for name, values := range resp.Header {
		r.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	if r.Status < 200 || r.Status > 399 {
		r.Exit = 1
		r.Stderr = strings.TrimSpace("HTTP "+resp.Status) + "\n"
	}
	return r, nil
}

// readRequest reads a request in the form of .http files.
func readRequest(ctx context.Context, text string) (*http.Request, error) {
	method, address, head, body, err := splitRequest(text)
	if err != nil {
		return nil, err
	}
	header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(head + "\r\n"))).ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the headers of the http request: %w", err)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("read the url of the http request: %w", errors.Unwrap(err))
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("read the url of the http request: %q is no http:// or https:// url", shownURL(u))
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, fmt.Errorf("read the http request: %w", err)
	}
	req.GetBody = nil // with it, a request could be sent again
	req.Header = http.Header(header)
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	req.Header.Del("Host")
	req.Header.Del("Content-Length") // the body's own
	if password, _ := u.User.Password(); u.User != nil && req.Header.Get("Authorization") == "" {
		req.SetBasicAuth(u.User.Username(), password)
	}
	if _, named := req.Header["User-Agent"]; !named {
		req.Header.Set("User-Agent", "stepgate")
	}
	return req, nil
}

// splitRequest takes the text apart: request line, headers, body.
func splitRequest(text string) (method, address, head, body string, err error) {
	rest := strings.ReplaceAll(text, "\r\n", "\n")
	var line string
	for line == "" {
		if rest == "" {
			return "", "", "", "", errors.New("read the http request: there is none")
		}
		line, rest, _ = strings.Cut(rest, "\n")
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") {
			line = ""
		}
	}
	for indented(rest) {
		var more string
		more, rest, _ = strings.Cut(rest, "\n")
		line += strings.TrimSpace(more)
	}
	words := strings.Fields(line)
	if n := len(words); n > 1 && strings.HasPrefix(words[n-1], "HTTP/") {
		words = words[:n-1]
	}
	switch {
	case len(words) == 1 && strings.Contains(words[0], "://"):
		words = []string{http.MethodGet, words[0]}
	case len(words) != 2:
		return "", "", "", "", fmt.Errorf("read the http request: %q isn't a method and a url", line)
	}
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\n")
		if strings.TrimSpace(line) == "" {
			break
		}
		head += line + "\r\n"
	}
	return words[0], words[1], head, strings.TrimSuffix(rest, "\n"), nil
}

// indented tells whether text begins with a line that is indented and not blank.
func indented(text string) bool {
	bare := strings.TrimLeft(text, " \t")
	return len(bare) < len(text) && bare != "" && bare[0] != '\n'
}
