package soap

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	maxResponseHeader = 16 << 10         // bytes
	idleTimeout       = 90 * time.Second // of a connection
)

// newTransport returns the connections to the service. Without an offer to take
// compressed answers none is ever inflated, so MaxResponse is what it says.
func newTransport(config Config) *http.Transport {
	connections := cmp.Or(config.Connections, DefaultConnections)
	return &http.Transport{
		DialContext:            new(net.Dialer).DialContext, // the call's timeout bounds it
		TLSClientConfig:        config.TLS.Clone(),
		MaxConnsPerHost:        connections,
		MaxIdleConns:           connections,
		MaxIdleConnsPerHost:    connections,
		IdleConnTimeout:        idleTimeout,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxResponseHeader,
	}
}

// exchange is the HTTP client that the generated client sends through. It reads
// the answer itself, and more strictly; the generated client would read it once
// more, by reflection. So the generated client gets to see an error only, which
// may be an [answered].
//
// It sends through a transport and not an http.Client, which would follow
// redirects, and the values with them.
type exchange struct {
	transport http.RoundTripper
	limit     int64 // bytes of an answer's body
}

// answered is the contract's answer, as the error that the generated client hands on.
type answered struct{ Encrypted }

// Error implements error. It names no value.
func (answered) Error() string { return "the encryption service has answered" }

// Do sends a request and reads the whole answer. Its errors are answered, *Fault,
// ErrUnavailable and ErrUnusable; it never returns a response.
func (x exchange) Do(req *http.Request) (*http.Response, error) {
	prepare(req)
	res, err := x.transport.RoundTrip(req)
	if err != nil {
		return nil, unavailable(req.Context(), err)
	}
	defer func() { _ = res.Body.Close() }() // all that matters has been read
	body, err := io.ReadAll(io.LimitReader(res.Body, x.limit+1))
	if err != nil {
		return nil, unavailable(req.Context(), err)
	}
	answer, err := judge(res.StatusCode, body, int64(len(body)) > x.limit)
	if err != nil {
		return nil, err
	}
	return nil, answered{answer}
}

// prepare corrects the generated client's request.
func prepare(req *http.Request) {
	req.Close = false // it asks for a new connection each time
	// The action is a quoted string (SOAP 1.1, section 6.1.1).
	req.Header.Set("SOAPAction", strconv.Quote(req.Header.Get("SOAPAction")))
	req.Header.Set("User-Agent", "create-user-encryptor")
	// An empty list is not sent, but tells net/http that the request may be sent
	// again when the kept connection turns out to be closed (http.Transport).
	req.Header["Idempotency-Key"] = nil
}

// judge returns the contract's answer, and an error of this package for any
// other. A fault counts with status 200, as some servers send it, and with
// an error status, but not with one that says that the service is away.
func judge(status int, body []byte, tooLarge bool) (Encrypted, error) {
	switch status {
	case http.StatusTooManyRequests, http.StatusRequestTimeout,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return Encrypted{}, fmt.Errorf("%w: HTTP status %d", ErrUnavailable, status)
	}
	answer, err := Encrypted{}, errTooLarge
	if !tooLarge {
		answer, err = readAnswer(body)
	}
	_, isFault := errors.AsType[*Fault](err)
	switch {
	case status == http.StatusOK, isFault && status >= http.StatusBadRequest:
		return answer, err
	case status >= http.StatusInternalServerError:
		return Encrypted{}, fmt.Errorf("%w: HTTP status %d", ErrUnavailable, status)
	}
	return Encrypted{}, fmt.Errorf("%w: HTTP status %d", ErrUnusable, status)
}

func unusable(why string) error { return fmt.Errorf("%w: %s", ErrUnusable, why) }

// unavailable wraps what is known to be without the service's own words: texts
// of net/http quote what they could not parse.
func unavailable(ctx context.Context, err error) error {
	// A dial may run out of time a moment before its context does.
	if timeout, ok := errors.AsType[net.Error](err); ctx.Err() != nil || ok && timeout.Timeout() {
		return fmt.Errorf("%w: no answer in time", ErrUnavailable)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%w: %w", ErrUnavailable, op)
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("%w: %w", ErrUnavailable, untrusted)
	}
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, known) {
			return fmt.Errorf("%w: %w", ErrUnavailable, known)
		}
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Errorf("%w: it does not speak TLS", ErrUnavailable)
	}
	return fmt.Errorf("%w: the connection failed, or it does not speak HTTP", ErrUnavailable)
}
