package openmldb

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"stepgate/lab/site"
)

// maxBody bounds what is read of an HTTP request, in bytes.
const maxBody = 4 << 20

// pidHeader names the process that answers /status.
const pidHeader = "Lab-Pid"

// askedToEnd gets the signals that ask this process to end.
func askedToEnd() <-chan os.Signal {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	return stop
}

// hindered is the fault of processes that are started: it ends at once, or hangs until
// it is asked to end. ended says whether the process has the exit code code by that.
func hindered(s *site.Site, h *site.Host, stop <-chan os.Signal, fails, hangs func()) (code int, ended bool) {
	switch s.Fault(h.Name, "start") {
	case "fail":
		fails()
		return 1, true
	case "hang":
		hangs()
		<-stop
		return 0, true
	}
	return 0, false
}

// service is what a process serves over HTTP.
type service struct {
	server *http.Server
	ended  chan error // one, when it ended
}

func serveHTTP(ln net.Listener, h http.Handler) *service {
	v := &service{server: &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}, ended: make(chan error, 1)}
	go func() { v.ended <- v.server.Serve(ln) }()
	return v
}

// until serves until a signal comes that the process obeys. Its error is that the
// service has ended by itself.
func (v *service) until(stop <-chan os.Signal, obeys func() bool) error {
	for {
		select {
		case <-stop:
			if obeys() {
				return nil
			}
		case err := <-v.ended:
			return err
		}
	}
}

// answering is how a process is asked: a request in JSON, a response back. lost is
// called when the response couldn't be sent.
func answering(reply func(request) (answer, error), lost func(error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var req request
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&req); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		a, err := reply(req)
		resp := response{Answer: a}
		if err != nil {
			resp.Err = err.Error()
		}
		if err := json.NewEncoder(w).Encode(resp); err != nil {
			lost(err)
		}
	}
}

// listenLoopback refuses an endpoint that others could reach, whatever the
// flagfile says.
func listenLoopback(endpoint string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(endpoint)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("endpoint %q: only loopback addresses are served", endpoint)
	}
	return net.Listen("tcp", endpoint)
}

// askServer puts a question to the process at endpoint.
func askServer(endpoint string, req request) (answer, error) {
	body, err := json.Marshal(req)
	if err != nil {
		return answer{}, err
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Post("http://"+endpoint+"/ask", "application/json", strings.NewReader(string(body)))
	if err != nil {
		return answer{}, err
	}
	defer r.Body.Close()
	var resp response
	if err := json.NewDecoder(r.Body).Decode(&resp); err != nil {
		return answer{}, fmt.Errorf("ask %q: %w", endpoint, err)
	}
	if resp.Err != "" {
		return answer{}, errors.New(resp.Err)
	}
	return resp.Answer, nil
}
