package soap_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/services/encryptor/soap"
)

func TestEncrypt_EveryValueArrivesAsItIs(t *testing.T) {
	service := newStandin(t)
	client := newClient(t, soap.Config{URL: serve(t, service)})
	for name, c := range map[string]struct{ phone, password string }{
		"plain":                      {phone, password},
		"an element in the phone":    {"</phone><password>X</password>", password},
		"the end of the password":    {phone, "</password></EncryptRequest>"},
		"every escaped character":    {phone, `& < > ' " &amp; &lt; ]]> <![CDATA[`},
		"white space":                {phone, " \t a \r\n b \r "},
		"beyond ASCII":               {"+34 600–100", "contraseña 密码 😀 \U0010FFFD \uFFFD \u0085 \u2028"},
		"a comment and instructions": {phone, "<!-- x --><?x y?>"},
		"the longest":                {strings.Repeat("9", 32), strings.Repeat("<", 1024)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := client.Encrypt(t.Context(), c.phone, c.password)
			if err != nil {
				t.Fatal(err)
			}
			for encrypted, want := range map[string]string{got.Phone: c.phone, got.Password: c.password} {
				value, err := service.Decrypt(encrypted)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, value); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestEncrypt_RefusesToSendWhatXMLCannotCarry(t *testing.T) {
	var calls atomic.Int64
	client := newClient(t, soap.Config{URL: serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))})
	for name, value := range map[string]string{
		"empty":               "",
		"a null":              password + "\x00",
		"a control character": password + "\x0b",
		"an escape":           "\x1b" + password,
		"not UTF-8":           password + "\xff",
		"half a character":    password + "\xf0\x9f",
		"a surrogate":         password + "\xed\xa0\x80",
		"U+FFFE":              password + "\uFFFE",
		"U+FFFF":              password + "\uFFFF",
	} {
		t.Run(name, func(t *testing.T) {
			for _, pair := range [][2]string{{value, password}, {phone, value}} {
				_, err := client.Encrypt(t.Context(), pair[0], pair[1])
				if got := kind(t, err); got != unsendable {
					t.Errorf("ends %s (%v)", got, err)
				}
				quotesNothing(t, err)
			}
		})
	}
	if calls.Load() != 0 {
		t.Errorf("the service was asked %d times", calls.Load())
	}
}

// TestEncrypt_OnTheWire holds what deployed services look for: "<phone>".
func TestEncrypt_OnTheWire(t *testing.T) {
	type request struct {
		Method, ContentType, Action, Body string
		Extra                             []string
	}
	requests := make(chan request, 1)
	service := newStandin(t)
	client := newClient(t, soap.Config{URL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- request{r.Method, r.Header.Get("Content-Type"), r.Header.Get("SOAPAction"), string(body),
			append(r.Header.Values("Idempotency-Key"), r.Header.Values("Accept-Encoding")...)}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		service.ServeHTTP(w, r)
	}))})
	if _, err := client.Encrypt(t.Context(), "1&2", `<">`); err != nil {
		t.Fatal(err)
	}
	want := request{
		Method: http.MethodPost, ContentType: `text/xml; charset="utf-8"`, Action: `"http://encrypt.com/Encrypt"`,
		Body: `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` +
			`<EncryptRequest xmlns="http://encrypt.com/"><phone>1&amp;2</phone><password>&lt;&#34;&gt;</password></EncryptRequest>` +
			`</soap:Body></soap:Envelope>`,
	}
	if diff := cmp.Diff(want, <-requests); diff != "" {
		t.Error(diff)
	}
}

// countDials serves a handler and counts the connections to it.
func countDials(t testing.TB, handler http.Handler) (url string, dials *atomic.Int64) {
	t.Helper()
	dials = new(atomic.Int64)
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			dials.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, dials
}

func TestEncrypt_CallsShareOneConnection(t *testing.T) {
	url, dials := countDials(t, newStandin(t))
	client := newClient(t, soap.Config{URL: url})
	for range 100 {
		if _, err := client.Encrypt(t.Context(), phone, password); err != nil {
			t.Fatal(err)
		}
	}
	if dials.Load() != 1 {
		t.Errorf("100 calls opened %d connections", dials.Load())
	}
}

func TestEncrypt_FaultsAndRefusalsKeepTheConnection(t *testing.T) {
	statuses := []int{http.StatusInternalServerError, http.StatusBadRequest, http.StatusServiceUnavailable, http.StatusOK}
	var calls atomic.Int64
	url, dials := countDials(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(statuses[int(calls.Add(1))%len(statuses)])
		_, _ = io.WriteString(w, soapFault("soap:Client"))
	}))
	client := newClient(t, soap.Config{URL: url})
	for range 3 * len(statuses) {
		if _, err := client.Encrypt(t.Context(), phone, password); err == nil {
			t.Fatal("a fault was taken for an answer")
		}
	}
	if dials.Load() != 1 {
		t.Errorf("%d calls opened %d connections", calls.Load(), dials.Load())
	}
}

func TestEncrypt_CallsAtOnceStayWithinTheirConnections(t *testing.T) {
	const connections = 4
	service := newStandin(t)
	url, dials := countDials(t, service)
	client := newClient(t, soap.Config{URL: url, Connections: connections})
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 25 {
				got, err := client.Encrypt(t.Context(), phone, password)
				if err != nil {
					t.Error(err)
					return
				}
				if value, err := service.Decrypt(got.Password); err != nil || value != password {
					t.Errorf("a password came back as another value (%v)", err)
				}
			}
		})
	}
	group.Wait()
	if n := dials.Load(); n > connections {
		t.Errorf("calls opened %d connections", n)
	}
}

func TestEncrypt_KeepsEveryConnectionForLaterCalls(t *testing.T) {
	const connections, rounds = 8, 5
	service := newStandin(t)
	var arrived sync.WaitGroup // of one round's calls: each needs a connection
	url, dials := countDials(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		arrived.Wait()
		service.ServeHTTP(w, r)
	}))
	client := newClient(t, soap.Config{URL: url, Connections: connections})
	for range rounds {
		arrived.Add(connections)
		var calls sync.WaitGroup
		for range connections {
			calls.Go(func() {
				if _, err := client.Encrypt(t.Context(), phone, password); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
	}
	if dials.Load() != connections {
		t.Errorf("%d calls at once, %d times, opened %d connections", connections, rounds, dials.Load())
	}
}

func TestEncrypt_AConnectionThatWasClosedMeanwhileCostsNoCall(t *testing.T) {
	service := newStandin(t)
	listener := &droppingListener{Listener: listen(t)}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: service}}
	server.Start()
	t.Cleanup(server.Close)
	client := newClient(t, soap.Config{URL: server.URL})
	for range 50 {
		if _, err := client.Encrypt(t.Context(), phone, password); err != nil {
			t.Fatal(err)
		}
		listener.drop()
	}
}

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	for name, config := range map[string]soap.Config{
		"no address":              {},
		"no scheme":               {URL: "localhost:4005"},
		"another scheme":          {URL: "ftp://localhost:4005"},
		"no host":                 {URL: "http:///path"},
		"not an address":          {URL: "http://localhost:4005/\x00"},
		"a user, who is not sent": {URL: "http://user:password@localhost:4005"},
		"a negative timeout":      {URL: "http://localhost:4005", Timeout: -1},
		"a negative size":         {URL: "http://localhost:4005", MaxResponse: -1},
		"negative connections":    {URL: "http://localhost:4005", Connections: -1},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := soap.New(config); err == nil {
				t.Error("is taken")
			}
		})
	}
}

func TestEncrypt_TheCallersContextEndsIt(t *testing.T) {
	arrived, release := make(chan struct{}, 2), make(chan struct{})
	url := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	t.Cleanup(func() { close(release) })
	client := newClient(t, soap.Config{URL: url})

	t.Run("by a cancellation before the call", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := client.Encrypt(ctx, phone, password)
		if got := kind(t, err); got != canceled {
			t.Errorf("ends %s (%v)", got, err)
		}
	})
	t.Run("by a cancellation during the call", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		_, err := client.Encrypt(ctx, phone, password)
		if got := kind(t, err); got != canceled {
			t.Errorf("ends %s (%v)", got, err)
		}
	})
	t.Run("by its deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), shortTimeout)
		defer cancel()
		_, err := client.Encrypt(ctx, phone, password)
		if got := kind(t, err); got != expired {
			t.Errorf("ends %s (%v)", got, err)
		}
	})
}
