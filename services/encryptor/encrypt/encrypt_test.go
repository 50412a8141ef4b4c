package encrypt

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
	"github.com/create-user/create-user/services/encryptor/soap"
)

// What must never be seen in an error, a log or an event.
const (
	secretPhone    = "+15550123987"
	secretPassword = "correct </password> & horse"
)

func secret() event.Credentials {
	return event.Credentials{Phone: secretPhone, Password: secretPassword}
}

// asked is a fake of the encryption service.
type asked func(phone, password string) (soap.Encrypted, error)

func (a asked) Encrypt(_ context.Context, phone, password string) (soap.Encrypted, error) {
	return a(phone, password)
}

// answering answers always the same.
func answering(err error) asked {
	return func(phone, password string) (soap.Encrypted, error) {
		if err != nil {
			return soap.Encrypted{}, err
		}
		return soap.Encrypted{Phone: fmt.Sprintf("%x", phone), Password: fmt.Sprintf("%x", password)}, nil
	}
}

func opener(t testing.TB) *event.Opener {
	t.Helper()
	keys, err := event.ParsePrivateKeys(service.DevSealPrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return event.NewOpener(keys...)
}

// seal seals credentials to the key of development mode.
func seal(t testing.TB, c event.Credentials) event.Sealed {
	t.Helper()
	key, err := event.ParsePublicKey(service.DevSealPublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := event.NewSealer(key).Seal("s1", c)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

type checked = saga.Event[event.CodeChecked]

// taken is an event of saga s1 on its first delivery.
func taken(sealed event.Sealed) checked {
	return checked{
		Key: event.Key{User: event.UserHash("ada"), Saga: "s1"}, Delivery: 1,
		Body: event.CodeChecked{ID: "ada", Sealed: sealed, Username: "Ada L.", Image: event.Image{Inline: "i"}},
	}
}

func TestEncrypt_GoesOn(t *testing.T) {
	again := taken(seal(t, secret()))
	again.Delivery = 7
	replayed := taken(seal(t, secret()))
	replayed.Saga = event.AttemptID("s1", 1)
	for name, e := range map[string]checked{
		"with what the service answers":              taken(seal(t, secret())),
		"on a redelivery":                            again,
		"on a new attempt, though sealed for s1":     replayed,
		"with the longest credentials that may come": taken(seal(t, event.Credentials{Phone: strings.Repeat("1", event.MaxPhone), Password: strings.Repeat("p", event.MaxPassword)})),
	} {
		t.Run(name, func(t *testing.T) {
			given, err := opener(t).Open(e.Body.Sealed)
			if err != nil {
				t.Fatal(err)
			}
			got, err := encryptor{opener: opener(t), service: answering(nil)}.encrypt(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			want := event.Encrypted{
				ID: "ada", Username: "Ada L.", Image: event.Image{Inline: "i"},
				EncryptedPhone: fmt.Sprintf("%x", given.Phone), EncryptedPassword: fmt.Sprintf("%x", given.Password),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncrypt_JudgesWhatTheServiceAnswers(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for name, c := range map[string]struct {
		ctx      context.Context
		err      error
		delivery int
		want     string
	}{
		"a fault is its word about the values":          {err: &soap.Fault{Code: soap.CodeServer}, want: "fail: encryption_failed"},
		"a value that XML cannot carry":                 {err: fmt.Errorf("%w: the password", soap.ErrValue), want: "fail: encryption_failed"},
		"a service that is away is waited for":          {err: fmt.Errorf("%w: dial", soap.ErrUnavailable), delivery: 9, want: "hold"},
		"one that is too slow is waited for":            {err: fmt.Errorf("ask: %w", context.DeadlineExceeded), delivery: 9, want: "hold"},
		"a call that the stop cut off is made again":    {ctx: ended, err: fmt.Errorf("ask: %w", context.Canceled), want: "hold"},
		"an unusable answer is asked for again":         {err: fmt.Errorf("%w: empty", soap.ErrUnusable), delivery: unusableTries - 1, want: "retry"},
		"a service that stays unusable ends it":         {err: fmt.Errorf("%w: empty", soap.ErrUnusable), delivery: unusableTries, want: "fail: encryption_failed"},
		"an error that nobody foresaw is asked again":   {err: errors.New("odd"), delivery: 9, want: "retry"},
		"no other error becomes one of the credentials": {err: event.ErrNotSealed, want: "retry"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.ctx == nil {
				c.ctx = t.Context()
			}
			e := taken(seal(t, secret()))
			e.Delivery = max(1, c.delivery)
			got, err := encryptor{opener: opener(t), service: answering(c.err)}.encrypt(c.ctx, e)
			if policy := servicetest.Policy(err); policy != c.want {
				t.Errorf("%s (%v), want %s", policy, err, c.want)
			}
			if diff := cmp.Diff(event.Encrypted{}, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncrypt_DoesNotAskForWhatItCannotOpen(t *testing.T) {
	broken := func(change func(*event.Sealed)) event.Sealed {
		s := seal(t, secret())
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		sealed event.Sealed
		want   string
	}{
		"a key that is yet to be deployed is tried again": {broken(func(s *event.Sealed) { s.KeyID = "next" }), "retry"},
		"data that was changed is refused":                {broken(func(s *event.Sealed) { s.Data[20] ^= 1 }), "fail: invalid_request"},
		"data of another saga is refused":                 {broken(func(s *event.Sealed) { s.Saga = "s2" }), "fail: invalid_request"},
		"a data key that was changed is refused":          {broken(func(s *event.Sealed) { s.Key[0] ^= 1 }), "fail: invalid_request"},
		"nothing at all is refused":                       {event.Sealed{}, "fail: invalid_request"},
		"a phone that is missing is refused":              {seal(t, event.Credentials{Password: secretPassword}), "fail: invalid_request"},
		"a password that is too long is refused": {
			seal(t, event.Credentials{Phone: secretPhone, Password: strings.Repeat(secretPassword, 99)}), "fail: invalid_request",
		},
	} {
		t.Run(name, func(t *testing.T) {
			service := asked(func(string, string) (soap.Encrypted, error) {
				t.Error("the service was asked")
				return soap.Encrypted{}, nil
			})
			_, err := encryptor{opener: opener(t), service: service}.encrypt(t.Context(), taken(c.sealed))
			if policy := servicetest.Policy(err); policy != c.want {
				t.Errorf("%s (%v), want %s", policy, err, c.want)
			}
			if strings.Contains(err.Error(), secretPhone) || strings.Contains(err.Error(), secretPassword) {
				t.Errorf("the error echoes what it must not: %v", err)
			}
		})
	}
}

func TestEncrypt_APanicConcernsItsEventAlone(t *testing.T) {
	e := encryptor{opener: opener(t), service: asked(func(phone, password string) (soap.Encrypted, error) {
		if phone == "bad" {
			panic(password)
		}
		return answering(nil)(phone, password)
	})}
	bad := taken(seal(t, event.Credentials{Phone: "bad", Password: secretPassword}))
	events := []checked{taken(seal(t, secret())), bad, taken(seal(t, secret()))}
	for i, r := range saga.Each(2, e.encrypt)(t.Context(), events) {
		if panicked := i == 1; (r.Err != nil) != panicked {
			t.Errorf("event %d: %v", i, r.Err)
		}
		if r.Err != nil && strings.Contains(r.Err.Error(), secretPassword) {
			t.Error("the error echoes the password")
		}
	}
}
