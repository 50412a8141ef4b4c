package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/service/servicetest"
	"github.com/create-user/create-user/pkg/token"
)

// What must never be seen in an error, a log or an event.
const (
	secretToken    = "eyJ.secret.token"
	secretPhone    = "+15550123987"
	secretPassword = "correct-horse-battery"
	secretCode     = "739154"
)

// judge is a fake of tokens.
type judge func(tok, id string) error

func (j judge) Verify(_ context.Context, tok, id string) error { return j(tok, id) }

func good(tok, id string) error {
	if tok != secretToken || id != "ada" {
		return fmt.Errorf("%w: another one was asked for", token.ErrInvalid)
	}
	return nil
}

// shelf is a fake of the image store.
type shelf struct {
	images map[string]string
	err    error
}

func (s *shelf) Put(_ context.Context, sagaID string, image []byte) (event.ImageClaim, error) {
	if s.err != nil {
		return event.ImageClaim{}, s.err
	}
	if s.images == nil {
		s.images = map[string]string{}
	}
	s.images[sagaID] = string(image)
	return event.NewImageClaim(sagaID, image), nil
}

func sealer(t testing.TB) *event.Sealer {
	t.Helper()
	key, err := event.ParsePublicKey(service.DevSealPublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return event.NewSealer(key)
}

// open returns the credentials in s, as the encryptor would.
func open(t testing.TB, s event.Sealed) event.Credentials {
	t.Helper()
	keys, err := event.ParsePrivateKeys(service.DevSealPrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := event.NewOpener(keys...).Open(s)
	if err != nil {
		t.Fatal(err)
	}
	return credentials
}

func sealedFor(t testing.TB, sagaID string) *event.Sealed {
	t.Helper()
	sealed, err := sealer(t).Seal(sagaID, event.Credentials{Phone: secretPhone, Password: secretPassword})
	if err != nil {
		t.Fatal(err)
	}
	return &sealed
}

type request = saga.Event[event.Requested]

// requested is a request in clear, of saga s1.
func requested(change ...func(*request)) request {
	e := request{
		Key: event.Key{User: event.UserHash("ada"), Saga: "s1"}, Delivery: 1,
		Body: event.Requested{
			ID: "ada", Token: secretToken, Code: secretCode, Phone: secretPhone, Password: secretPassword, Username: "Ada L.",
		},
	}
	for _, c := range change {
		c(&e)
	}
	return e
}

func withSealed(s *event.Sealed) func(*request) {
	return func(e *request) { e.Body.Phone, e.Body.Password, e.Body.Sealed = "", "", s }
}

func withImage(text string) func(*request) {
	return func(e *request) { e.Body.Image.Inline = text }
}

func withClaim(ref string) func(*request) {
	return func(e *request) {
		claim := event.NewImageClaim(ref, []byte(large))
		e.Body.Image.Claim = &claim
	}
}

// attempt makes the request that of another attempt at its registration.
func attempt(n int) func(*request) {
	return func(e *request) { e.Saga = event.AttemptID(e.Saga, n) }
}

var (
	small = strings.Repeat("i", event.InlineImage)
	large = strings.Repeat("i", event.InlineImage+1)
)

func TestVerify_GoesOn(t *testing.T) {
	claim := event.NewImageClaim("s1", []byte(large))
	for name, c := range map[string]struct {
		event request
		image event.Image
		aside map[string]string // images put aside
	}{
		"a request without an image":                       {event: requested()},
		"a small image stays in the event":                 {event: requested(withImage(small)), image: event.Image{Inline: small}},
		"a large image is put aside":                       {requested(withImage(large)), event.Image{Claim: &claim}, map[string]string{"s1": large}},
		"an image that the publisher put aside stays so":   {event: requested(withClaim("s1")), image: event.Image{Claim: &claim}},
		"credentials that the publisher sealed":            {event: requested(withSealed(sealedFor(t, "s1")))},
		"a new attempt at what the publisher sealed":       {event: requested(withSealed(sealedFor(t, "s1")), attempt(1))},
		"a new attempt with the image of the first":        {event: requested(withClaim("s1"), attempt(2)), image: event.Image{Claim: &claim}},
		"a new attempt at a request in clear is sealed":    {event: requested(attempt(1))},
		"a redelivery (the rule does not ask which it is)": {event: requested(func(e *request) { e.Delivery = 7 })},
	} {
		t.Run(name, func(t *testing.T) {
			images := &shelf{}
			v := verifier{tokens: judge(good), sealer: sealer(t), images: images}
			for range 2 { // a redelivery gives the same
				got, err := v.verify(t.Context(), c.event)
				if err != nil {
					t.Fatal(err)
				}
				if got := open(t, got.Sealed); got != (event.Credentials{Phone: secretPhone, Password: secretPassword}) {
					t.Error("other credentials were sealed")
				}
				if given := c.event.Body.Sealed; given != nil {
					if diff := cmp.Diff(*given, got.Sealed); diff != "" {
						t.Errorf("sealed anew (-want +got):\n%s", diff)
					}
				} else if got.Sealed.Saga != c.event.Saga {
					t.Errorf("sealed for saga %s", got.Sealed.Saga)
				}
				got.Sealed = event.Sealed{}
				want := event.TokenVerified{ID: "ada", Code: secretCode, Username: "Ada L.", Image: c.image}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("event (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(c.aside, images.images); diff != "" {
					t.Errorf("put aside (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestVerify_DoesNotGoOn(t *testing.T) {
	always := func(err error) judge { return func(string, string) error { return err } }
	full := &shelf{err: errors.New("no space")}
	for name, c := range map[string]struct {
		event  request
		tokens judge
		images *shelf
		want   string
	}{
		"an invalid token ends the session": {
			requested(), always(fmt.Errorf("%w: it has expired", token.ErrInvalid)), nil, "fail: session_expired",
		},
		"an empty token, too": {
			requested(func(e *request) { e.Body.Token = "" }), good, nil, "fail: session_expired",
		},
		"the token of another Id, too": {
			requested(func(e *request) { e.Body.ID = "bob" }), good, nil, "fail: session_expired",
		},
		"a key server that is away is waited for": {
			requested(), always(fmt.Errorf("%w: dial", token.ErrUnavailable)), nil, "hold",
		},
		"an error that nobody foresaw is retried": {
			requested(), always(errors.New("odd")), nil, "retry",
		},
		"credentials that were sealed for another message id are refused": {
			requested(withSealed(sealedFor(t, "s2"))), good, nil, "fail: invalid_request",
		},
		"an image that another message id put aside is refused": {
			requested(withClaim("s2")), good, nil, "fail: invalid_request",
		},
		"an image store that is away is waited for": {
			requested(withImage(large)), good, full, "hold",
		},
		"the token is judged first": {
			requested(withImage(large), func(e *request) { e.Body.Token = "" }), good, full, "fail: session_expired",
		},
	} {
		t.Run(name, func(t *testing.T) {
			images := c.images
			if images == nil {
				images = &shelf{}
			}
			v := verifier{tokens: c.tokens, sealer: sealer(t), images: images}
			got, err := v.verify(t.Context(), c.event)
			if policy := servicetest.Policy(err); policy != c.want {
				t.Fatalf("%s (%v), want %s", policy, err, c.want)
			}
			if diff := cmp.Diff(event.TokenVerified{}, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			if len(images.images) > 0 {
				t.Error("an image was put aside for nothing")
			}
			for _, secret := range []string{secretToken, secretPhone, secretPassword, secretCode, "iii"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error echoes what it must not: %v", err)
				}
			}
		})
	}
}

func TestVerify_APanicConcernsItsEventAlone(t *testing.T) {
	v := verifier{sealer: sealer(t), images: &shelf{}, tokens: judge(func(_, id string) error {
		if id == "bad" {
			panic(secretToken)
		}
		return nil
	})}
	events := []request{requested(), requested(func(e *request) { e.Body.ID = "bad" }), requested()}
	for i, r := range saga.Each(batch, v.verify)(t.Context(), events) {
		if panicked := i == 1; (r.Err != nil) != panicked {
			t.Errorf("event %d: %v", i, r.Err)
		}
		if r.Err != nil && strings.Contains(r.Err.Error(), secretToken) {
			t.Error("the error echoes the token")
		}
	}
}
