package token_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/token"
)

// endpoint stands in for an issuer's server, without a network, so that it runs on a test's own clock.
type endpoint struct {
	mu    sync.Mutex
	set   string        // what it answers; empty: it is down
	delay time.Duration // how long it takes
	count int           // requests so far
}

func (e *endpoint) RoundTrip(request *http.Request) (*http.Response, error) {
	e.mu.Lock()
	e.count++
	set, delay := e.set, e.delay
	e.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-request.Context().Done():
		return nil, request.Context().Err()
	}
	if set == "" {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(set)), Request: request}, nil
}

func (e *endpoint) serve(set string, delay time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.set, e.delay = set, delay
}

func (e *endpoint) requests() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count
}

// open starts a verifier over the endpoint. The test must close it before it ends.
func (e *endpoint) open(ctx context.Context, cfg token.Config) *token.Verifier {
	cfg.JWKSURL = "https://issuer.example/jwks"
	return token.NewOver(ctx, cfg, e)
}

func expect(t *testing.T, v *token.Verifier, tok string, want error) {
	t.Helper()
	if err := v.Verify(t.Context(), tok, userID); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// expectAtOnce is expect for so many callers at the same time.
func expectAtOnce(t *testing.T, callers int, v *token.Verifier, tok string, want error) {
	t.Helper()
	var verifying sync.WaitGroup
	for range callers {
		verifying.Go(func() { expect(t, v, tok, want) })
	}
	verifying.Wait()
}
