package interop

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/service/servicetest"
	"github.com/create-user/create-user/services/token-verifier/verify"
)

// madeToken is a token by npm jsonwebtoken, for the user "ada".
type madeToken struct {
	Keys, Name, Token string
	Good              bool
}

// secret is shared with the issuer.
const secret = "a secret of thirty-two bytes, or more"

func TestTokens_GoodOnesBeginASagaAndHostileOnesEndIt(t *testing.T) {
	t.Parallel()
	keys := t.TempDir()
	tokens := map[string][]madeToken{}
	for _, line := range node(t, "tokens.mjs", secret, keys).wait() {
		var m madeToken
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("the script printed %q", line)
		}
		tokens[m.Keys] = append(tokens[m.Keys], m)
	}
	if len(tokens["secret"]) < 50 || len(tokens["public"]) < 25 {
		t.Fatalf("%d and %d tokens", len(tokens["secret"]), len(tokens["public"]))
	}
	for kind, vars := range map[string]service.Vars{
		"secret": {"JWT_SECRET": secret},
		"public": {"JWT_SECRET": "", "JWT_JWKS_FILE": filepath.Join(keys, "jwks.json")},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := sagatest.New(t, event.StepTokenVerifier)
			servicetest.Start(t, s, verify.Service(), vars)
			for i, m := range tokens[kind] {
				key := s.Publish(event.Requested{
					ID: "ada", Token: m.Token, Code: "123456", Phone: "+4915112345678", Password: "correct horse", Username: "Ada",
				}, fmt.Sprintf("token-%d", i))
				judge(t, m, first(t, s, key))
			}
		})
	}
}

// first waits for the event that begins a saga.
func first(t *testing.T, s *sagatest.Server, key event.Key) saga.Stored {
	t.Helper()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	late := time.After(patience)
	for {
		e, err := s.Store().LastMatching(t.Context(), key.History())
		if err == nil {
			return e
		}
		if !errors.Is(err, saga.ErrNoEvent) {
			t.Fatal(err)
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("saga %s does not begin", key.Saga)
		}
	}
}

// judge fails the test unless a token's saga has begun as it must.
func judge(t *testing.T, m madeToken, first saga.Stored) {
	t.Helper()
	if m.Good {
		if first.Type != event.TypeTokenVerified {
			t.Errorf("%s: %s %s", m.Name, first.Type, first.Data)
		}
		return
	}
	var ended event.Ended
	if err := json.Unmarshal(first.Data, &ended); err != nil {
		t.Fatal(err)
	}
	if first.Type != event.TypeFailed || ended.Code != event.CodeSessionExpired || ended.Message != "Session expired. Please log in again." {
		t.Errorf("%s: %s %s", m.Name, first.Type, ended.Code)
	}
}
