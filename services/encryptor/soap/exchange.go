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
type exchange struct {
	http  *http.Client
	limit int64 // bytes of an answer's body
}

// Do sends a request and reads the whole answer. Its errors are ErrUnavailable
// and ErrUnusable.
func (x exchange) Do(req *http.Request) (*http.Response, error) {
	prepare(req)
	res, err := x.http.Do(req)
	if err != nil {
		return nil, unavailable(req.Context(), err)
	}
	defer func() { _ = res.Body.Close() }() // all that matters has been read
	body, err := io.ReadAll(io.LimitReader(res.Body, x.limit+1))
	if err != nil {
		return nil, unavailable(req.Context(), err)
	}
	if int64(len(body)) > x.limit {
		body, err = nil, unusable("it is larger than "+strconv.FormatInt(x.limit, 10)+" bytes")
	}
	if err := judge(res.StatusCode, body, err); err != nil {
		return nil, err
	}
	// The generated client hides a fault that comes with any other status, and
	// decodes in another way what its header calls multipart.
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"text/xml"}},
		Body:       io.NopCloser(bytes.NewReader(body)),
	}, nil
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

// judge says whether an answer is one that the generated client may read: the
// contract's answer with status 200, or a fault with 200 or an error status.
// sizeErr is set when the body was too large to be kept.
func judge(status int, body []byte, sizeErr error) error {
	switch status {
	case http.StatusTooManyRequests, http.StatusRequestTimeout,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Errorf("%w: HTTP status %d", ErrUnavailable, status)
	}
	fault, err := false, sizeErr
	if err == nil {
		fault, err = inspect(body)
	}
	switch {
	case status == http.StatusOK:
		return err
	case status >= http.StatusBadRequest && err == nil && fault:
		return nil
	case status >= http.StatusInternalServerError:
		return fmt.Errorf("%w: HTTP status %d", ErrUnavailable, status)
	}
	return fmt.Errorf("%w: HTTP status %d", ErrUnusable, status)
}

func unusable(why string) error { return fmt.Errorf("%w: %s", ErrUnusable, why) }

// unavailable wraps what is known to be without the service's own words: texts
// of net/http quote what they could not parse.
func unavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: no answer in time", ErrUnavailable)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%w: %w", ErrUnavailable, op)
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("%w: %w", ErrUnavailable, untrusted)
	}
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, http.ErrSchemeMismatch} {
		if errors.Is(err, known) {
			return fmt.Errorf("%w: %w", ErrUnavailable, known)
		}
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Errorf("%w: it does not speak TLS", ErrUnavailable)
	}
	return fmt.Errorf("%w: the connection failed, or it does not speak HTTP", ErrUnavailable)
}
