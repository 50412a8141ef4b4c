package encrypt

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/service/servicetest"
	"github.com/create-user/create-user/services/encryptor/standin"
)

func newStandin(t testing.TB) *standin.Standin {
	t.Helper()
	s, err := standin.New([]byte(service.DevEncryptKey))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func serve(t testing.TB, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/"
}

func newServer(t testing.TB) *sagatest.Server {
	t.Helper()
	return sagatest.New(t, event.StepEncryptor)
}

// expectEncrypted waits for the event and opens its values.
func expectEncrypted(t testing.TB, s *sagatest.Server, in *standin.Standin, k event.Key) (event.Encrypted, event.Credentials) {
	t.Helper()
	var body event.Encrypted
	if err := json.Unmarshal(s.Expect(k, event.TypeEncrypted).Data, &body); err != nil {
		t.Fatal(err)
	}
	phone, err := in.Decrypt(body.EncryptedPhone)
	if err != nil {
		t.Fatal(err)
	}
	password, err := in.Decrypt(body.EncryptedPassword)
	if err != nil {
		t.Fatal(err)
	}
	return body, event.Credentials{Phone: phone, Password: password}
}

func expectFailed(t testing.TB, s *sagatest.Server, k event.Key, code event.Code) {
	t.Helper()
	failed := s.ExpectExactly(k, event.TypeCodeChecked, event.TypeFailed)[1]
	if diff := cmp.Diff(event.NewEnded("ada", event.StepEncryptor, code), s.Ended(failed)); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func TestRun_EncryptsCredentials(t *testing.T) {
	t.Parallel()
	s, in := newServer(t), newStandin(t)
	retired, err := event.GenerateKey("retired")
	if err != nil {
		t.Fatal(err)
	}
	text, err := retired.Text()
	if err != nil {
		t.Fatal(err)
	}
	p := servicetest.Start(t, s, Service(), service.Vars{
		"ENCRYPT_URL": serve(t, in), "SEAL_PRIVATE_KEYS": service.DevSealPrivateKey + "," + text,
	})
	old, err := event.NewSealer(retired.Public()).Seal("s1", secret())
	if err != nil {
		t.Fatal(err)
	}
	for name, sealed := range map[string]event.Sealed{"the current key": seal(t, secret()), "a retired key": old} {
		k := s.Key("ada")
		s.Append(taken(sealed).Body, k, time.Time{})
		body, credentials := expectEncrypted(t, s, in, k)
		if credentials != secret() {
			t.Errorf("%s: other credentials were encrypted", name)
		}
		body.EncryptedPhone, body.EncryptedPassword = "", ""
		want := event.Encrypted{ID: "ada", Username: "Ada L.", Image: event.Image{Inline: "i"}}
		if diff := cmp.Diff(want, body); diff != "" {
			t.Errorf("%s: event (-want +got):\n%s", name, diff)
		}
	}
	changed := seal(t, secret())
	changed.Data[20] ^= 1
	k := s.Key("ada")
	s.Append(taken(changed).Body, k, time.Time{})
	expectFailed(t, s, k, event.CodeInvalidRequest)

	p.Stop()
	for where, text := range map[string]string{"an event": s.Contents(event.StreamEvents), "the log": p.Logs()} {
		if strings.Contains(text, secretPhone) || strings.Contains(text, "correct ") {
			t.Errorf("%s holds a secret", where)
		}
	}
}

const fault = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>` +
	`<faultcode>soap:Client</faultcode><faultstring>refused: ` + secretPhone + `</faultstring></soap:Fault></soap:Body></soap:Envelope>`

func TestRun_EndsTheSagaByWhatTheServiceAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"a fault at once": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, fault)
		},
		"nonsense after a few tries": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "hello "+secretPhone)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			p := servicetest.Start(t, s, Service(), service.Vars{"ENCRYPT_URL": serve(t, answer)})
			k := s.Key("ada")
			s.Append(taken(seal(t, secret())).Body, k, time.Time{})
			expectFailed(t, s, k, event.CodeEncryptionFailed)
			if strings.Contains(p.Logs(), secretPhone) {
				t.Error("the log echoes what the service answered")
			}
		})
	}
}

func TestRun_WaitsForAServiceThatIsAway(t *testing.T) {
	t.Parallel()
	s, in := newServer(t), newStandin(t)
	var back atomic.Bool
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !back.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		in.ServeHTTP(w, r)
	}))
	p := servicetest.Start(t, s, Service(), service.Vars{"ENCRYPT_URL": url})
	k := s.Key("ada")
	s.Append(taken(seal(t, secret())).Body, k, time.Time{})
	p.Await(`"verdict":"hold"`)
	back.Store(true)
	if _, credentials := expectEncrypted(t, s, in, k); credentials != secret() {
		t.Error("other credentials were encrypted")
	}
}

// sealedToNext returns credentials under a key that is not deployed.
func sealedToNext(t testing.TB) event.Sealed {
	t.Helper()
	sealed := seal(t, secret())
	sealed.KeyID = "next"
	return sealed
}

// One event at a time is in hand here: one that was held would shut out all others.
func TestRun_AKeyThatIsNotHereKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	s, in := newServer(t), newStandin(t)
	p := servicetest.Start(t, s, Service(), service.Vars{"ENCRYPT_URL": serve(t, in), "SAGA_BATCH": "1", "SAGA_LOOPS": "1"})
	s.Append(taken(sealedToNext(t)).Body, s.Key("eve"), time.Time{})
	p.Await(`"verdict":"retry"`)
	k := s.Key("ada")
	s.Append(taken(seal(t, secret())).Body, k, time.Time{})
	expectEncrypted(t, s, in, k)
}

func TestRun_AKeyThatDoesNotComeMakesADeadLetter(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	p := servicetest.Start(t, s, Service(), service.Vars{"ENCRYPT_URL": serve(t, newStandin(t)), "SAGA_DELIVERY_LIMIT": "2"})
	k := s.Key("ada")
	s.Append(taken(sealedToNext(t)).Body, k, time.Time{})
	p.Await(`"verdict":"dead-letter"`)
	expectFailed(t, s, k, event.CodeProcessingError)
}

func TestRun_RefusesWrongSettings(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"ENCRYPT_URL":         "ftp://u:sesame@host",
		"ENCRYPT_TIMEOUT":     "0s",
		"ENCRYPT_CONCURRENCY": "-1",
		"SEAL_PRIVATE_KEYS":   "dev:sesame",
	} {
		t.Run(name, func(t *testing.T) {
			err := servicetest.Refuses(t, Service(), service.Vars{name: value})
			if !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "sesame") {
				t.Error(err)
			}
		})
	}
}
