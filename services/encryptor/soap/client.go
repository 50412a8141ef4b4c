package soap

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	gowsdl "github.com/hooklift/gowsdl/soap"
	"go.opentelemetry.io/otel/trace"

	"github.com/create-user/create-user/services/encryptor/soap/wsdl"
)

// The values of a Config's fields that are zero.
const (
	DefaultTimeout     = 3 * time.Second
	DefaultMaxResponse = 64 << 10
	DefaultConnections = 64
)

// Config says how to reach the encryption service.
type Config struct {
	// URL is the address of the service, http or https. It is asked directly,
	// not through a proxy of the environment.
	URL string
	// Raw sends values as they are, without XML's escapes, for services that search
	// the request for "<phone>" and never unescape. A value with "<" is refused.
	Raw bool
	// Timeout bounds a whole call, from waiting for a connection to the last
	// byte of the answer. DefaultTimeout if zero.
	Timeout time.Duration
	// MaxResponse is the size in bytes that an answer's body may have.
	// DefaultMaxResponse if zero.
	MaxResponse int64
	// Connections is how many connections are open at once, at most; all are kept
	// for later calls. DefaultConnections if zero.
	Connections int
	// TLS is for https: trusted roots, a client certificate. The system's roots
	// if nil.
	TLS *tls.Config
	// Tracing makes a span of each call, below the one in its context. Nil: none.
	Tracing trace.TracerProvider
}

// Client calls the encryption service.
type Client struct {
	port    wsdl.Encryption
	raw     bool
	timeout time.Duration
	close   func()
}

// Encrypted is what the service made of a phone and a password: both not blank,
// and otherwise as the service wrote them.
type Encrypted struct {
	Phone, Password string
}

// New returns a client. It does not connect yet.
func New(config Config) (*Client, error) {
	address, err := url.Parse(config.URL)
	if err != nil || address.Host == "" || address.User != nil || address.Scheme != "http" && address.Scheme != "https" {
		return nil, errors.New("the encryption service's URL must be like http://host:port/path or https://…, without a user")
	}
	if config.Timeout < 0 || config.MaxResponse < 0 || config.Connections < 0 {
		return nil, errors.New("the encryption service's timeout, response size and connections must not be negative")
	}
	transport := newTransport(config)
	client := newClient(config, traced(transport, config.Tracing))
	client.close = transport.CloseIdleConnections
	return client, nil
}

func newClient(config Config, transport http.RoundTripper) *Client {
	via := exchange{transport: transport, limit: cmp.Or(config.MaxResponse, DefaultMaxResponse)}
	soap := gowsdl.NewClient(config.URL, gowsdl.WithHTTPClient(via))
	port := wsdl.NewEncryption(soap)
	if config.Raw {
		port = rawEncryption{soap}
	}
	return &Client{
		port:    port,
		raw:     config.Raw,
		timeout: cmp.Or(config.Timeout, DefaultTimeout),
		close:   func() {},
	}
}

// Encrypt has a phone and a password encrypted. The package's documentation
// lists its errors.
func (c *Client) Encrypt(ctx context.Context, phone, password string) (Encrypted, error) {
	if err := cmp.Or(checkValue("phone", phone), checkValue("password", password)); err != nil {
		return Encrypted{}, err
	}
	if c.raw && strings.Contains(phone+password, "<") {
		return Encrypted{}, fmt.Errorf("%w: a value holds \"<\", which ENCRYPT_XML=raw cannot send", ErrValue)
	}
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	_, err := c.port.EncryptContext(limited, &wsdl.EncryptRequest{Phone: phone, Password: password})
	answer, ok := errors.AsType[answered](err)
	if !ok {
		return Encrypted{}, explain(ctx, err)
	}
	encrypted := answer.Encrypted
	switch {
	case strings.TrimSpace(encrypted.Phone) == "" || strings.TrimSpace(encrypted.Password) == "":
		return Encrypted{}, unusable("a value is empty")
	case encrypted.Phone == phone || encrypted.Password == password:
		return Encrypted{}, unusable("a value came back as it was sent")
	}
	return encrypted, nil
}

// Close closes the connections that no call is using.
func (c *Client) Close() { c.close() }

// explain gives an error of the generated client its kind. The exchange has done
// so for all but two: the end of the caller's context, and what the generated
// client makes of it by itself, whose text may quote what it was given.
func explain(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*Fault](err); ok || errors.Is(err, ErrUnusable) {
		return err
	}
	if !errors.Is(err, ErrUnavailable) {
		return unusable("it cannot be decoded")
	}
	if ended := ended(ctx); ended != nil {
		return fmt.Errorf("asking the encryption service: %w", ended)
	}
	return err
}

// ended returns the error of a context that has ended. The network may notice a
// deadline a moment before the context does.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}
