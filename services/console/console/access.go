package console

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

const (
	sessionCookie = "create-user-console"
	sessionTime   = 12 * time.Hour
	maxActor      = 64 // bytes of an operator's name
)

// access lets operators in: by a cookie that the login gave them, or by the
// token itself as a bearer token. A session is signed, not stored, so that it
// outlives the console's restart; another CONSOLE_TOKEN ends all of them.
type access struct {
	token      [sha256.Size]byte // the token's hash
	key        []byte            // signs sessions
	userHeader string
	tries      *rate.Limiter // logins
}

func newAccess(s Settings) access {
	mac := hmac.New(sha256.New, []byte(s.Token))
	mac.Write([]byte("create-user console session"))
	return access{
		token: sha256.Sum256([]byte(s.Token)), key: mac.Sum(nil),
		userHeader: s.UserHeader, tries: rate.NewLimiter(1, 10),
	}
}

// right reports whether token is the token, in constant time.
func (a access) right(token string) bool {
	given := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(given[:], a.token[:]) == 1
}

// actorKey is where a request's context holds the operator's name.
type actorKey struct{}

func actorOf(ctx context.Context) string {
	name, _ := ctx.Value(actorKey{}).(string)
	return name
}

// guard lets only operators through; a browser is led to the login.
func (a access) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, ok := a.actor(r, time.Now())
		switch {
		case ok:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, actor)))
		case r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
			http.Redirect(w, r, "/login?to="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		default:
			http.Error(w, "log in first, or send CONSOLE_TOKEN as bearer token", http.StatusUnauthorized)
		}
	})
}

// actor returns who sends a request.
func (a access) actor(r *http.Request, now time.Time) (string, bool) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if !a.right(token) {
			return "", false
		}
		name := "bearer of the token"
		if a.userHeader != "" && r.Header.Get(a.userHeader) != "" {
			name = r.Header.Get(a.userHeader)
		}
		return name[:min(len(name), maxActor)], true
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return "", false
	}
	return a.session(cookie.Value, now)
}

// begin returns the cookie's value for an operator's session.
func (a access) begin(name string, now time.Time) string {
	claim := base64.RawURLEncoding.EncodeToString([]byte(name)) + "." + strconv.FormatInt(now.Add(sessionTime).Unix(), 10)
	return claim + "." + a.sign(claim)
}

func (a access) sign(claim string) string {
	mac := hmac.New(sha256.New, a.key)
	mac.Write([]byte(claim))
	return hex.EncodeToString(mac.Sum(nil))
}

// session returns the operator of a session that is ours and not over.
func (a access) session(value string, now time.Time) (string, bool) {
	dot := strings.LastIndexByte(value, '.')
	if dot < 0 || !hmac.Equal([]byte(a.sign(value[:dot])), []byte(value[dot+1:])) {
		return "", false
	}
	name, expiry, _ := strings.Cut(value[:dot], ".")
	until, err := strconv.ParseInt(expiry, 10, 64)
	if err != nil || now.Unix() >= until {
		return "", false
	}
	plain, err := base64.RawURLEncoding.DecodeString(name)
	return string(plain), err == nil
}

// loginData is what the login page shows.
type loginData struct{ To, Problem string }

func (s *server) loginPage(r *http.Request) (view, error) {
	return view{page: "login", data: loginData{To: local(r.FormValue("to"))}}, nil
}

// local returns the path that a login leads to: never to another host.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
		return "/"
	}
	return to
}

func (s *server) login(w http.ResponseWriter, r *http.Request) {
	to, name := local(r.FormValue("to")), strings.TrimSpace(r.FormValue("name"))
	problem := ""
	switch {
	case !s.access.tries.Allow():
		problem = "Too many tries. Wait some seconds."
	case name == "" || len(name) > maxActor:
		problem = "Say who you are, in at most 64 characters: it stands in the audit."
	case !s.access.right(r.FormValue("token")):
		problem = "That is not the token (CONSOLE_TOKEN)."
	}
	if problem != "" {
		s.render(w, r, http.StatusUnauthorized, view{page: "login", data: loginData{To: to, Problem: problem}})
		return
	}
	http.SetCookie(w, cookie(r, s.access.begin(name, time.Now()), sessionTime))
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // local made it a path of ours
}

// cookie returns the session's cookie for the given time; a negative one ends it.
func cookie(r *http.Request, value string, lasts time.Duration) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // on loopback there is no TLS
		Name: sessionCookie, Value: value, Path: "/", MaxAge: int(lasts.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: secure(r),
	}
}

// secure reports whether the browser came by TLS, to us or to a proxy.
func secure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

func (s *server) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, cookie(r, "", -time.Second))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
