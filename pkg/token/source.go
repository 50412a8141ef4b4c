package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"
)

const (
	// maxSet bounds a JWK set in bytes; a key takes about 500.
	maxSet = 512 << 10

	// fetchTimeout bounds one fetch as a whole.
	fetchTimeout = 5 * time.Second

	maxRedirects = 3
)

var (
	errTooLarge         = fmt.Errorf("the JWK set is larger than %d KiB", maxSet>>10)
	errInsecureRedirect = errors.New("it redirects to plain http")
	errRedirects        = errors.New("it redirects too often")
)

// source reads the bytes of a JWK set, at most maxSet.
type source interface {
	fetch(ctx context.Context) ([]byte, error)
}

// urlSource reads it from a URL.
type urlSource struct {
	url    string
	client *http.Client
}

// newURLSource uses the environment's proxies and the system's roots, unless a
// transport is given.
func newURLSource(address string, allowHTTP bool, transport http.RoundTripper) *urlSource {
	if transport == nil {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second}
	}
	return &urlSource{url: address, client: &http.Client{
		Transport: transport,
		CheckRedirect: func(next *http.Request, past []*http.Request) error {
			switch {
			case len(past) > maxRedirects:
				return errRedirects
			case next.URL.Scheme != "https" && !allowHTTP:
				return errInsecureRedirect
			}
			return nil
		},
	}}
}

func (s *urlSource) fetch(ctx context.Context) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, fmt.Errorf("asking for the JWK set: %w", withoutURL(err))
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking for the JWK set: %w", withoutURL(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking for the JWK set: status %d", response.StatusCode)
	}
	return readSet(response.Body)
}

// Close releases the idle connections.
func (s *urlSource) Close() error {
	s.client.CloseIdleConnections()
	return nil
}

// withoutURL drops the URL, which may carry credentials, from an error that will be logged.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// fileSource reads it from a file, each time anew, so that keys rotate with the file.
type fileSource string

func (s fileSource) fetch(context.Context) ([]byte, error) {
	file, err := os.Open(string(s))
	if err != nil {
		return nil, fmt.Errorf("opening the JWK set: %w", err)
	}
	defer file.Close()
	return readSet(file)
}

// loadFile reads the file at the start, when a fault is one of the configuration.
func loadFile(ctx context.Context, source fileSource) (*keySet, error) {
	set, err := load(ctx, source)
	if err != nil {
		return nil, &ConfigError{Setting: "JWKSFile", Problem: "cannot be used", Err: err,
			Remedy: "give the path of a JWK set with an RSA (2048 bits or more), P-256 or Ed25519 public key"}
	}
	return set, nil
}

// load fetches and parses a set.
func load(ctx context.Context, from source) (*keySet, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	data, err := from.fetch(ctx)
	if err != nil {
		return nil, err
	}
	return parseKeySet(data)
}

func readSet(from io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxSet+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the JWK set: %w", err)
	case len(data) > maxSet:
		return nil, errTooLarge
	}
	return data, nil
}
