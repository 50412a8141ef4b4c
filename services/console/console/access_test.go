package console

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/service"
)

func testAccess(header string) access {
	return newAccess(Settings{Token: service.DevConsoleToken, UserHeader: header})
}

func TestSession_HoldsUntilItIsOver(t *testing.T) {
	a, now := testAccess(""), time.Now()
	session := a.begin("Grace O'Hara.2", now)
	if name, ok := a.session(session, now.Add(sessionTime-time.Second)); !ok || name != "Grace O'Hara.2" {
		t.Errorf("session of %q: %t", name, ok)
	}
	if _, ok := a.session(session, now.Add(sessionTime)); ok {
		t.Error("a session that is over is accepted")
	}
	other := newAccess(Settings{Token: "another token, long enough"})
	if _, ok := other.session(session, now); ok {
		t.Error("a session of another token is accepted")
	}
	for i := range session {
		forged := []byte(session)
		forged[i] ^= 1
		if _, ok := a.session(string(forged), now); ok {
			t.Errorf("a session with another byte %d is accepted", i)
		}
	}
	for _, s := range []string{"", ".", "..", "a.b.c", strings.Repeat(".", 1000)} {
		if _, ok := a.session(s, now); ok {
			t.Errorf("session %q is accepted", s)
		}
	}
}

func TestActor_IsNamedByTheProxyThatHasTheToken(t *testing.T) {
	for name, c := range map[string]struct {
		configured, token, header, want string
		ok                              bool
	}{
		"the token alone":                      {"", service.DevConsoleToken, "", "bearer of the token", true},
		"the proxy names the operator":         {"X-User", service.DevConsoleToken, "grace@example.com", "grace@example.com", true},
		"a name without the token":             {"X-User", "", "mallory", "", false},
		"a name with a wrong token":            {"X-User", "guess", "mallory", "", false},
		"a name that nobody asked for":         {"", service.DevConsoleToken, "mallory", "bearer of the token", true},
		"a name that is too long is cut short": {"X-User", service.DevConsoleToken, strings.Repeat("x", 1000), strings.Repeat("x", maxActor), true},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			if c.token != "" {
				r.Header.Set("Authorization", "Bearer "+c.token)
			}
			r.Header.Set("X-User", c.header)
			if got, ok := testAccess(c.configured).actor(r, time.Now()); got != c.want || ok != c.ok {
				t.Errorf("actor %q, %t; want %q, %t", got, ok, c.want, c.ok)
			}
		})
	}
}

func TestLocal_LeadsNowhereElse(t *testing.T) {
	for _, to := range []string{"", "https://example.com/", "//example.com", `/\example.com`, `\\example.com`, "javascript:alert(1)", "sagas", "\x00"} {
		if got := local(to); got != "/" {
			t.Errorf("local(%q) = %q", to, got)
		}
	}
	if got := local("/sagas?outcome=open"); got != "/sagas?outcome=open" {
		t.Errorf("a page of our own became %q", got)
	}
}

func TestSettings_NameWhatIsWrong(t *testing.T) {
	for want, s := range map[string]Settings{
		"CONSOLE_TOKEN: want at least 20 characters": {Token: "short", Sagas: 1},
		"CONSOLE_SAGAS: want at least 1":             {Token: service.DevConsoleToken},
	} {
		if err := s.validate(); err == nil || err.Error() != want {
			t.Errorf("error = %v, want %q", err, want)
		}
	}
	if _, err := (Settings{PrivateKey: "nonsense"}).opener(); err == nil || !strings.Contains(err.Error(), "DEAD_LETTER_PRIVATE_KEY") || strings.Contains(err.Error(), "nonsense") {
		t.Errorf("error = %v", err)
	}
}
