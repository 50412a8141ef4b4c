package engineio

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

func TestServer_RefusesWhatBeginsNoSession(t *testing.T) {
	h := start(t, Options{})
	for _, test := range []struct {
		name, method, query string
		status              int
		body                string
	}{
		{"no transport", "GET", "EIO=4", 400, `{"code":0,"message":"Transport unknown"}`},
		{"an unknown transport", "GET", "EIO=4&transport=pigeon", 400, `{"code":0,"message":"Transport unknown"}`},
		{"no version", "GET", "transport=polling", 400, `{"code":5,"message":"Unsupported protocol version"}`},
		{"an older version", "GET", "EIO=3&transport=polling", 400, `{"code":5,"message":"Unsupported protocol version"}`},
		{"a handshake by POST", "POST", "EIO=4&transport=polling", 400, `{"code":2,"message":"Bad handshake method"}`},
		{"an unknown session", "GET", "EIO=4&transport=polling&sid=nobody", 400, `{"code":1,"message":"Session ID unknown"}`},
		{"an unknown session's websocket", "GET", "EIO=4&transport=websocket&sid=nobody", 400, `{"code":1,"message":"Session ID unknown"}`},
		{"a websocket that is none", "GET", "EIO=4&transport=websocket", 400, `{"code":3,"message":"Bad request"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := enginetest.Do(t, test.method, h.url+enginetest.Path+"?"+test.query, nil, nil)
			if status != test.status || body != test.body {
				t.Errorf("got %d %s, want %d %s", status, body, test.status, test.body)
			}
		})
	}
	if n := h.Sessions(); n != 0 {
		t.Errorf("%d sessions were begun", n)
	}
}

func TestServer_SaysHowASessionIsKeptAlive(t *testing.T) {
	h := start(t, Options{})
	polling := enginetest.OpenPolling(t, h.url).Handshake
	_, websocket := enginetest.OpenWebsocket(t, h.url)
	if polling.SID == websocket.SID || len(polling.SID) < 20 {
		t.Errorf("session ids %q and %q are not two secrets", polling.SID, websocket.SID)
	}
	polling.SID, websocket.SID = "", ""
	want := enginetest.Handshake{Upgrades: []string{"websocket"}, PingInterval: 25_000, PingTimeout: 20_000, MaxPayload: 32 << 10}
	if diff := cmp.Diff(want, polling); diff != "" {
		t.Errorf("on polling (-want +got):\n%s", diff)
	}
	want.Upgrades = []string{}
	if diff := cmp.Diff(want, websocket); diff != "" {
		t.Errorf("on a websocket (-want +got):\n%s", diff)
	}
}

func TestServer_RefusesASessionTooMany(t *testing.T) {
	h := start(t, Options{MaxSessions: 1})
	first := enginetest.OpenPolling(t, h.url)
	again := h.url + enginetest.Path + "?EIO=4&transport=polling"
	if status, body := enginetest.Do(t, "GET", again, nil, nil); status != http.StatusServiceUnavailable {
		t.Errorf("the second session got %d %s", status, body)
	}
	first.Say("1")
	h.expectClosed(first.SID, ClientClosed)
	enginetest.OpenPolling(t, h.url)
}

func TestServer_ServesOnlyThePagesItShould(t *testing.T) {
	const ours, foreign = "https://ours.example", "https://foreign.example"
	for _, test := range []struct {
		name, origin string
		origins      []string
		status       int
		allowed      string // Access-Control-Allow-Origin
	}{
		{"no page", "", nil, 200, ""},
		{"a page of another host", foreign, nil, 403, ""},
		{"a page of the same host", "SAME", nil, 200, ""},
		{"a page that is listed", ours, []string{ours}, 200, ours},
		{"a page that is not listed", foreign, []string{ours}, 403, ""},
		{"a page that is listed over plain HTTP", "http://ours.example", []string{ours}, 403, ""},
		{"a page without an origin of its own", "null", []string{ours}, 403, ""},
		{"any page", foreign, []string{"*"}, 200, "*"},
		{"a listed page, with its credentials, where any is allowed", ours, []string{"*", ours}, 200, ours},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := start(t, Options{Origins: test.origins})
			origin := test.origin
			if origin == "SAME" {
				origin = h.url
			}
			got := get(t, h.url+enginetest.Path+"?EIO=4&transport=polling", origin)
			if got.StatusCode != test.status || got.Header.Get("Access-Control-Allow-Origin") != test.allowed {
				t.Errorf("polling: %d, allowed %q; want %d, %q", got.StatusCode, got.Header.Get("Access-Control-Allow-Origin"), test.status, test.allowed)
			}
			withCredentials := got.Header.Get("Access-Control-Allow-Credentials") == "true"
			if want := test.allowed != "" && test.allowed != "*"; withCredentials != want {
				t.Errorf("credentials allowed: %v, want %v", withCredentials, want)
			}
			if status := dialFrom(t, h.url, origin); (status == http.StatusSwitchingProtocols) != (test.status == 200) {
				t.Errorf("websocket: %d", status)
			}
		})
	}
}

func TestServer_AnswersABrowserThatAsksFirst(t *testing.T) {
	h := start(t, Options{Origins: []string{"https://ours.example"}})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, h.url+enginetest.Path+"?EIO=4&transport=polling", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://ours.example")
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "x-trace")
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = got.Body.Close()
	want := map[string]string{
		"Access-Control-Allow-Origin":      "https://ours.example",
		"Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods":     "GET, POST",
		"Access-Control-Allow-Headers":     "x-trace",
		"Vary":                             "Origin, Access-Control-Request-Headers",
	}
	for name, value := range want {
		if got := strings.Join(got.Header.Values(name), ", "); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if got.StatusCode != http.StatusNoContent || h.Sessions() != 0 {
		t.Errorf("status %d, %d sessions", got.StatusCode, h.Sessions())
	}
}

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	open := func(*Session) Receiver { return nil }
	for name, opts := range map[string]Options{
		"no receiver":          {},
		"a negative number":    {Open: open, Queue: -1},
		"a negative duration":  {Open: open, PingTimeout: -1},
		"an origin with path":  {Open: open, Origins: []string{"https://ours.example/"}},
		"an origin of no host": {Open: open, Origins: []string{"ours.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv, err := New(opts)
			if err == nil {
				_ = srv.Close(t.Context())
				t.Error("was accepted")
			}
		})
	}
}
