package token_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/token"
)

func TestNew_NamesTheSettingAndTheRemedy(t *testing.T) {
	der, err := x509.MarshalPKIXPublicKey(rs256Issuer(t, "").private.(*rsa.PrivateKey).Public())
	if err != nil {
		t.Fatal(err)
	}
	const https = "https://issuer.example/jwks"
	for name, test := range map[string]struct {
		cfg     token.Config
		setting string
		says    string
	}{
		"nothing configured":        {token.Config{}, "HS256Secret", "exactly one of"},
		"a secret and a URL":        {token.Config{HS256Secret: testSecret, JWKSURL: https}, "JWKSURL", "all but one of"},
		"a URL and a file":          {token.Config{JWKSURL: https, JWKSFile: "f"}, "JWKSFile", "all but one of"},
		"a short secret":            {token.Config{HS256Secret: []byte("31 bytes are one byte too few..")}, "HS256Secret", "openssl rand"},
		"a PEM as secret":           {token.Config{HS256Secret: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}, "HS256Secret", "JWKSURL"},
		"a DER as secret":           {token.Config{HS256Secret: der}, "HS256Secret", "JWKSURL"},
		"a JWK set as secret":       {token.Config{HS256Secret: []byte(setOf(t, rs256Issuer(t, "")))}, "HS256Secret", "JWKSURL"},
		"an SSH key as secret":      {token.Config{HS256Secret: []byte("ssh-ed25519 " + strings.Repeat("A", 68))}, "HS256Secret", "JWKSURL"},
		"http":                      {token.Config{JWKSURL: "http://issuer.example/jwks"}, "JWKSURL", "AllowHTTP"},
		"another scheme":            {token.Config{JWKSURL: "file:///jwks", AllowHTTP: true}, "JWKSURL", "https://"},
		"a URL without host":        {token.Config{JWKSURL: "https:///jwks"}, "JWKSURL", "https://"},
		"no URL at all":             {token.Config{JWKSURL: "https://user:pass%zz@x/"}, "JWKSURL", "https://"},
		"the algorithm none":        {token.Config{HS256Secret: testSecret, Algorithms: []string{"none"}}, "Algorithms", "HS256"},
		"RS256 with a secret":       {token.Config{HS256Secret: testSecret, Algorithms: []string{"HS256", "RS256"}}, "Algorithms", "HS256"},
		"HS256 with public keys":    {token.Config{JWKSURL: https, Algorithms: []string{"HS256"}}, "Algorithms", "RS256, ES256, EdDSA"},
		"a negative leeway":         {token.Config{HS256Secret: testSecret, Leeway: -time.Second}, "Leeway", "5m"},
		"a leeway of an hour":       {token.Config{HS256Secret: testSecret, Leeway: time.Hour}, "Leeway", "5m"},
		"a file that is not there":  {token.Config{JWKSFile: filepath.Join(t.TempDir(), "none")}, "JWKSFile", "path of a JWK set"},
		"a folder as file":          {token.Config{JWKSFile: t.TempDir()}, "JWKSFile", "path of a JWK set"},
		"a file of something else":  {token.Config{JWKSFile: writeSet(t, "-----BEGIN PUBLIC KEY-----")}, "JWKSFile", "path of a JWK set"},
		"a file without keys":       {token.Config{JWKSFile: writeSet(t, `{"keys":[]}`)}, "JWKSFile", "path of a JWK set"},
		"a file without a key list": {token.Config{JWKSFile: writeSet(t, `{"kty":"RSA"}`)}, "JWKSFile", "path of a JWK set"},
		"a file of a weak key":      {token.Config{JWKSFile: writeSet(t, setOf(t, rsaIssuer(t, "k", weakRSA)))}, "JWKSFile", "2048"},
		"a huge file":               {token.Config{JWKSFile: writeSet(t, `{"keys":["`+strings.Repeat("x", 1<<20)+`"]}`)}, "JWKSFile", "512 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := token.New(t.Context(), test.cfg)
			var fault *token.ConfigError
			if !errors.As(err, &fault) {
				t.Fatalf("got %v, want a ConfigError", err)
			}
			if fault.Setting != test.setting || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %q, want %s and %q", err, test.setting, test.says)
			}
			for _, hidden := range []string{"one byte too few", "BEGIN PUBLIC KEY", "pass%zz", string(testSecret)} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("the error shows %q: %v", hidden, err)
				}
			}
		})
	}
}

func TestNew_CopiesWhatItIsGiven(t *testing.T) {
	given := append([]byte(nil), testSecret...)
	v := open(t, token.Config{HS256Secret: given, Algorithms: []string{"HS256"}})
	clear(given)
	if err := v.Verify(t.Context(), hs256Issuer().token(t), userID); err != nil {
		t.Error(err)
	}
}

func TestNew_KeepsTheCauseOfAFileThatCannotBeRead(t *testing.T) {
	_, err := token.New(t.Context(), token.Config{JWKSFile: filepath.Join(t.TempDir(), "none")})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want the cause in it", err)
	}
}

func TestSign_MakesTokensThatVerify(t *testing.T) {
	tok, err := token.Sign(testSecret, userID, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := openSecret(t).Verify(t.Context(), tok, userID); err != nil {
		t.Error(err)
	}
	expired, err := token.Sign(testSecret, userID, -time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	expectInvalid(t, openSecret(t), expired, userID)
	if _, err := token.Sign([]byte("short"), userID, time.Minute); err == nil {
		t.Error("a weak secret signs")
	}
}
