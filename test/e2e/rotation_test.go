package e2e

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/test/e2e/harness"
)

// signer is a key of the issuer of tokens.
type signer struct {
	id  string
	key ed25519.PrivateKey
}

func newSigner(t *testing.T, id string) signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return signer{id, key}
}

func (s signer) token(userID string) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"Id": userID, "exp": time.Now().Add(time.Hour).Unix()})
	token.Header["kid"] = s.id
	return token.SignedString(s.key)
}

// publishSigners writes the set of keys whose tokens are accepted, at once.
func publishSigners(t *testing.T, file string, signers ...signer) {
	t.Helper()
	var keys []map[string]string
	for _, s := range signers {
		public, ok := s.key.Public().(ed25519.PublicKey)
		if !ok {
			t.Fatal("the public key has another type")
		}
		keys = append(keys, map[string]string{"kty": "OKP", "crv": "Ed25519", "kid": s.id, "x": base64.RawURLEncoding.EncodeToString(public)})
	}
	set, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+".new", set, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// publisher registers one user after the other, with the keys of the moment.
type publisher struct {
	sys  *harness.System
	keys atomic.Pointer[publisherKeys]
	done atomic.Int64 // requests that are stored
}

type publisherKeys struct {
	seal event.PublicKey
	sign signer
}

const (
	rotationUsers = 2000 // more than the test gets to
	rotationPace  = 10 * time.Millisecond
	rotationStage = 25 // requests between two steps of a rotation
)

func rotationID(i int64) string { return fmt.Sprintf("rotating-%d", i) }

// run registers users until ctx ends, and each of them for certain.
func (p *publisher) run(ctx context.Context) error {
	pace := time.NewTicker(rotationPace)
	defer pace.Stop()
	for i := range int64(rotationUsers) {
		select {
		case <-ctx.Done():
			return nil
		case <-pace.C:
		}
		keys, id := p.keys.Load(), rotationID(i)
		token, err := keys.sign.token(id)
		if err != nil {
			return err
		}
		_, err = client.New(p.sys.JS, keys.seal, "/rotation").Request(context.WithoutCancel(ctx), client.Registration{
			ID: id, Key: id, Token: token, Code: "123456", Phone: "+4915112345678", Password: "correct horse", Username: "Ada",
		})
		if err != nil {
			return err
		}
		p.done.Add(1)
	}
	return errors.New("the users have run out")
}

// more waits until more requests have been stored.
func (p *publisher) more(t *testing.T) {
	t.Helper()
	goal := p.done.Load() + rotationStage
	deadline := time.After(harness.SagaTime)
	tick := time.NewTicker(rotationPace)
	defer tick.Stop()
	for p.done.Load() < goal {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d requests are stored, waited for %d", p.done.Load(), goal)
		}
	}
}

// TestRotation_OfEveryKeyLosesNoRegistration changes the keys as docs/operating.md
// says, while users register.
func TestRotation_OfEveryKeyLosesNoRegistration(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "jwks.json")
	retiring, coming := newSigner(t, "issuer-1"), newSigner(t, "issuer-2")
	publishSigners(t, file, retiring)
	s := harness.Start(t, map[string]string{"JWT_SECRET": "", "JWT_JWKS_FILE": file, "LOG_LEVEL": "info"})
	for i := range int64(rotationUsers) {
		s.StoreCode(rotationID(i), "123456")
	}
	oldKey, err := event.ParsePublicKey(service.DevSealPublicKey)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := event.GenerateKey("fresh")
	if err != nil {
		t.Fatal(err)
	}
	freshText, err := fresh.Text()
	if err != nil {
		t.Fatal(err)
	}
	p := &publisher{sys: s}
	p.keys.Store(&publisherKeys{seal: oldKey, sign: retiring})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- p.run(ctx) }()
	restart := func(name string, vars map[string]string) {
		t.Helper()
		p.more(t)
		s.Procs[name].Stop(t)
		p.more(t) // it is away for a while
		s.Vars = service.Vars(s.Vars).With(vars)
		s.Start(name)
		p.more(t)
	}

	// The issuer publishes its next key before it signs with it.
	publishSigners(t, file, retiring, coming)
	p.more(t)
	p.keys.Store(&publisherKeys{seal: oldKey, sign: coming})
	p.more(t)

	// Who opens gets the new key first, then who seals.
	restart("encryptor", map[string]string{"SEAL_PRIVATE_KEYS": freshText + "," + service.DevSealPrivateKey})
	restart("token-verifier", map[string]string{"SEAL_PUBLIC_KEY": fresh.Public().String()})
	p.keys.Store(&publisherKeys{seal: fresh.Public(), sign: coming})
	p.more(t)

	// The encryption service changes its key or place.
	restart("encryptor", map[string]string{"ENCRYPT_URL": harness.EncryptionService(t)})

	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for i := range p.done.Load() {
		k := event.Key{User: event.UserHash(rotationID(i)), Saga: rotationID(i)}
		if got := s.Outcome(k).Code; got != event.CodeCreated {
			t.Errorf("registration %d of %d ended with %s", i, p.done.Load(), got)
		}
	}

	// When no saga is left that was sealed to the old key, it can go, and the
	// issuer's old key, too.
	publishSigners(t, file, coming)
	s.Procs["encryptor"].Stop(t)
	s.Vars = service.Vars(s.Vars).With(service.Vars{"SEAL_PRIVATE_KEYS": freshText})
	s.Start("encryptor")
	last := rotationID(rotationUsers - 1)
	token, err := coming.token(last)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.New(s.JS, fresh.Public(), "/rotation").Request(t.Context(), client.Registration{
		ID: last, Key: last, Token: token, Code: "123456", Phone: "+4915112345678", Password: "correct horse", Username: "Ada",
	}); err != nil {
		t.Fatal(err)
	}
	if got := s.Outcome(event.Key{User: event.UserHash(last), Saga: last}).Code; got != event.CodeCreated {
		t.Errorf("with the new keys alone a registration ended with %s", got)
	}
}
