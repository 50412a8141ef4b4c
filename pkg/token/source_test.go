package token_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/token"
)

// serveHTTP starts a server that ends with the test.
func serveHTTP(tb testing.TB, handler http.HandlerFunc) *httptest.Server {
	tb.Helper()
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	return server
}

func TestURL_KeysComeOverHTTP(t *testing.T) {
	es := es256Issuer(t, "k")
	set := setOf(t, es)
	server := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/jwks" {
			http.Redirect(w, r, "/jwks", http.StatusFound)
			return
		}
		fmt.Fprint(w, set)
	})
	for _, path := range []string{"/jwks", "/moved"} {
		t.Run("from "+path, func(t *testing.T) {
			v := open(t, token.Config{JWKSURL: server.URL + path, AllowHTTP: true})
			expect(t, v, es.token(t), nil)
		})
	}
}

func TestURL_AnAnswerThatIsNoKeySetIsAnOutage(t *testing.T) {
	es := es256Issuer(t, "k")
	set := setOf(t, es)
	for name, handler := range map[string]http.HandlerFunc{
		"an error status":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, set, http.StatusInternalServerError) },
		"not found":            http.NotFound,
		"created":              func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated); fmt.Fprint(w, set) },
		"nothing":              func(http.ResponseWriter, *http.Request) {},
		"HTML":                 func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html></html>") },
		"a set of 1 MiB":       func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(" ", 1<<20), set) },
		"a redirect to itself": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"a broken connection":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			address := strings.Replace(serveHTTP(t, handler).URL, "http://", "http://user:hidden-password@", 1)
			v := open(t, token.Config{JWKSURL: address + "/jwks?key=hidden-key", AllowHTTP: true})
			err := v.Verify(t.Context(), es.token(t), userID)
			if !errors.Is(err, token.ErrUnavailable) {
				t.Fatalf("got %v, want ErrUnavailable", err)
			}
			if strings.Contains(err.Error(), "hidden") {
				t.Errorf("the error shows what is hidden in the URL: %v", err)
			}
		})
	}
}

func TestURL_ARedirectAwayFromHTTPSIsRefused(t *testing.T) {
	es := es256Issuer(t, "k")
	set := setOf(t, es)
	plain := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, set) })
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(secure.Close)
	v := token.NewOver(t.Context(), token.Config{JWKSURL: secure.URL}, secure.Client().Transport)
	t.Cleanup(v.Close)
	err := v.Verify(t.Context(), es.token(t), userID)
	if !errors.Is(err, token.ErrUnavailable) || !strings.Contains(err.Error(), "plain http") {
		t.Errorf("got %v, want ErrUnavailable for the redirect", err)
	}
}

func TestURL_AServerThatIsNotThereIsAnOutage(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	expect(t, open(t, token.Config{JWKSURL: server.URL, AllowHTTP: true}), es256Issuer(t, "k").token(t), token.ErrUnavailable)
}

func TestFile_IsReadAgainWhenATokenNamesANewKey(t *testing.T) {
	before, after := es256Issuer(t, "1"), es256Issuer(t, "2")
	path := writeSet(t, setOf(t, before))
	v := open(t, token.Config{JWKSFile: path})
	expect(t, v, before.token(t), nil)
	if err := os.WriteFile(path, []byte(setOf(t, after)), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, v, after.token(t), nil)
	expect(t, v, before.token(t), token.ErrInvalid)
}
