package verify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/images"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/service/servicetest"
	"github.com/create-user/create-user/pkg/token"
)

func sign(t testing.TB, id string, ttl time.Duration) string {
	t.Helper()
	tok, err := token.Sign([]byte(service.DevJWTSecret), id, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// signed is a request in clear with a good token.
func signed(t testing.TB, id string) event.Requested {
	t.Helper()
	r := requested().Body
	r.ID, r.Token = id, sign(t, id, time.Minute)
	return r
}

func decode(t testing.TB, e saga.Stored) event.TokenVerified {
	t.Helper()
	var body event.TokenVerified
	if err := json.Unmarshal(e.Data, &body); err != nil {
		t.Fatal(err)
	}
	return body
}

func TestRun_VerifiesRequests(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier)
	p := servicetest.Start(t, s, Service(), nil)

	plain := signed(t, "ada")
	plain.Image.Inline = small
	got := decode(t, s.Expect(s.Publish(plain, "plain"), event.TypeTokenVerified))
	if diff := cmp.Diff(event.Image{Inline: small}, got.Image); diff != "" {
		t.Errorf("image (-want +got):\n%s", diff)
	}
	if open(t, got.Sealed) != (event.Credentials{Phone: secretPhone, Password: secretPassword}) {
		t.Error("other credentials were sealed")
	}

	pictured := signed(t, "ada")
	pictured.Image.Inline = large
	got = decode(t, s.Expect(s.Publish(pictured, "pictured"), event.TypeTokenVerified))
	if image, err := images.New(s.JS()).Get(t.Context(), got.Image); err != nil || image != large || got.Image.Inline != "" {
		t.Errorf("fetched %d bytes, error %v; %d bytes stand in the event", len(image), err, len(got.Image.Inline))
	}

	sealed := signed(t, "ada")
	sealed.Phone, sealed.Password, sealed.Sealed = "", "", sealedFor(t, "sealed")
	got = decode(t, s.Expect(s.Publish(sealed, "sealed"), event.TypeTokenVerified))
	if diff := cmp.Diff(*sealed.Sealed, got.Sealed); diff != "" {
		t.Errorf("sealed (-want +got):\n%s", diff)
	}

	for _, code := range []struct {
		saga   string
		change func(*event.Requested)
		want   event.Code
	}{
		{"expired", func(r *event.Requested) { r.Token = sign(t, "ada", -time.Minute) }, event.CodeSessionExpired},
		{"anothers", func(r *event.Requested) { r.Token = sign(t, "bob", time.Minute) }, event.CodeSessionExpired},
		{"incomplete", func(r *event.Requested) { r.Username = "" }, event.CodeInvalidRequest},
		{"stolen", func(r *event.Requested) { *r = sealed }, event.CodeInvalidRequest},
	} {
		request := signed(t, "ada")
		code.change(&request)
		failed := s.ExpectExactly(s.Publish(request, code.saga), event.TypeFailed)[0]
		want := event.NewEnded("ada", event.StepTokenVerifier, code.want)
		if diff := cmp.Diff(want, s.Ended(failed)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", code.saga, diff)
		}
	}

	s.PublishRaw([]byte(`{"Password":"`+secretPassword+`"`), nats.Header{})
	if letter := s.DeadLetters(1)[0]; letter.Reason != event.ReasonPoison {
		t.Errorf("a request that is not JSON is dead-lettered for %s", letter.Reason)
	}
	s.Expect(s.Publish(signed(t, "eve"), "after"), event.TypeTokenVerified)

	p.Stop()
	for _, stream := range []string{event.StreamEvents, event.StreamDeadLetters} {
		expectNoSecret(t, stream, s.Contents(stream))
	}
	expectNoSecret(t, "log", p.Logs())
}

// expectNoSecret fails if text holds one; the code is none before it is claimed.
func expectNoSecret(t testing.TB, where, text string) {
	t.Helper()
	for _, secret := range []string{secretPhone, secretPassword, sign(t, "ada", time.Minute)[:20]} {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds a secret", where)
		}
	}
	if where == "log" && strings.Contains(text, secretCode) {
		t.Error("the log holds a code")
	}
}

func TestRun_RefusesWrongSettings(t *testing.T) {
	t.Parallel()
	for name, vars := range map[string]service.Vars{
		"JWT_SECRET":      {"JWT_SECRET": "short"},
		"JWT_JWKS_URL":    {"JWT_SECRET": "", "JWT_JWKS_URL": "ftp://keys"},
		"JWT_JWKS_FILE":   {"JWT_SECRET": "", "JWT_JWKS_FILE": "/nowhere"},
		"JWT_ALGORITHMS":  {"JWT_ALGORITHMS": "none"},
		"JWT_LEEWAY":      {"JWT_LEEWAY": "soon"},
		"SEAL_PUBLIC_KEY": {"SEAL_PUBLIC_KEY": "dev:AAAA"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := servicetest.Refuses(t, Service(), vars); !strings.Contains(err.Error(), name) {
				t.Errorf("the error does not name %s: %v", name, err)
			}
		})
	}
	t.Run("more than one source of keys", func(t *testing.T) {
		err := servicetest.Refuses(t, Service(), service.Vars{"JWT_JWKS_URL": "https://keys.example/jwks.json"})
		if !strings.Contains(err.Error(), "JWT_JWKS_URL") || !strings.Contains(err.Error(), "JWT_SECRET") {
			t.Errorf("the error does not name both: %v", err)
		}
	})
}
