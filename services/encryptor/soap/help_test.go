package soap_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/create-user/create-user/services/encryptor/soap"
	"github.com/create-user/create-user/services/encryptor/standin"
)

// The values of most calls. Hostile servers send them back wherever they can.
const (
	phone    = "600100200"
	password = "s3cret-word"
)

// patience is for calls that must not time out.
const patience = 20 * time.Second

func newStandin(t testing.TB) *standin.Standin {
	t.Helper()
	s, err := standin.New([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newClient returns a client of config, with a timeout that is not reached
// unless config says so.
func newClient(t testing.TB, config soap.Config) *soap.Client {
	t.Helper()
	if config.Timeout == 0 {
		config.Timeout = patience
	}
	client, err := soap.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// serve returns the URL of a handler.
func serve(t testing.TB, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// The kinds of a call's end.
const (
	encrypted   = "encrypted"
	unusable    = "unusable"
	unavailable = "unavailable"
	unsendable  = "unsendable"
	canceled    = "canceled"
	expired     = "expired"
	fault       = "fault " // and its code
)

// kind names the end that err is, and fails when it is none or several.
func kind(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return encrypted
	}
	var kinds []string
	for name, target := range map[string]error{
		unusable: soap.ErrUnusable, unavailable: soap.ErrUnavailable, unsendable: soap.ErrValue,
		canceled: context.Canceled, expired: context.DeadlineExceeded,
	} {
		if errors.Is(err, target) {
			kinds = append(kinds, name)
		}
	}
	if f, ok := errors.AsType[*soap.Fault](err); ok {
		kinds = append(kinds, fault+f.Code)
	}
	if len(kinds) != 1 {
		t.Fatalf("%v is %q: want one kind", err, kinds)
	}
	return kinds[0]
}

// quotesNothing fails when an error, or one that it wraps, holds a value.
func quotesNothing(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if text := err.Error(); strings.Contains(text, phone) || strings.Contains(text, password) {
		t.Errorf("the error quotes a value: %s", text)
	}
	switch wrapper := err.(type) { //nolint:errorlint // walks the chain
	case interface{ Unwrap() error }:
		quotesNothing(t, wrapper.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			quotesNothing(t, inner)
		}
	}
}
