package soap

import (
	"bytes"
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

// exchange is the HTTP client that the generated client sends through. It lets
// pass only answers that the generated client reads rightly.
//
// It sends through a transport and not an http.Client, which would follow
// redirects, and the values with them.
type exchange struct {
	transport http.RoundTripper
	limit     int64 // bytes of an answer's body
}

// Do sends a request and reads the whole answer. Its errors are *Fault,
// ErrUnavailable and ErrUnusable.
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
	if err := judge(res.StatusCode, body, int64(len(body)) > x.limit); err != nil {
		return nil, err
	}
	// The generated client decodes in another way what a header calls multipart.
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"text/xml"}},
		Body:       read{bytes.NewReader(body)},
	}, nil
}

// read is a body that was read. The decoder reads it byte by byte as it is,
// without a buffer of its own around it.
type read struct{ *bytes.Reader }

// Close implements io.Closer.
func (read) Close() error { return nil }

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

// judge returns nil for the contract's answer, and an error of this package for
// any other. A fault counts with status 200, as some servers send it, and with
// an error status, but not with one that says that the service is away.
func judge(status int, body []byte, tooLarge bool) error {
	switch status {
	case http.StatusTooManyRequests, http.StatusRequestTimeout,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Errorf("%w: HTTP status %d", ErrUnavailable, status)
	}
	err := errTooLarge
	if !tooLarge {
		err = inspect(body)
	}
	_, isFault := errors.AsType[*Fault](err)
	switch {
	case status == http.StatusOK, isFault && status >= http.StatusBadRequest:
		return err
	case status >= http.StatusInternalServerError:
		return fmt.Errorf("%w: HTTP status %d", ErrUnavailable, status)
	}
	return fmt.Errorf("%w: HTTP status %d", ErrUnusable, status)
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
