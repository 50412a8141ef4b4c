package token_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/token"
)

func TestVerify_ComparesTheWholeID(t *testing.T) {
	hs := hs256Issuer()
	for name, id := range map[string]string{
		"empty": "", "a prefix": userID[:5], "longer": userID + "0", "other digits": "۰۹۱۲۳۴۵۶۷۸۹",
	} {
		t.Run(name, func(t *testing.T) { expectInvalid(t, openSecret(t), hs.token(t), id) })
	}
	t.Run("an empty Id claim is for nobody", func(t *testing.T) {
		expectInvalid(t, openSecret(t), hs.sign(t, hs.header(), fmt.Sprintf(`{"Id":"","exp":%d}`, in(time.Hour))), "")
	})
	t.Run("broken surrogates are not all the same", func(t *testing.T) {
		tok := hs.sign(t, hs.header(), fmt.Sprintf(`{"Id":"\ud800","exp":%d}`, in(time.Hour)))
		expectInvalid(t, openSecret(t), tok, "\uFFFD")
	})
	t.Run("any text can be an Id", func(t *testing.T) {
		id := "a.b*> \"{}\\ سلام 🎉"
		tok, err := token.Sign(testSecret, id, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := openSecret(t).Verify(t.Context(), tok, id); err != nil {
			t.Error(err)
		}
	})
}

func TestVerify_JudgesIssuerAndAudienceWhenConfigured(t *testing.T) {
	v := open(t, token.Config{HS256Secret: testSecret, Issuer: "https://issuer", Audience: "create-user"})
	hs := hs256Issuer()
	for name, claims := range map[string]string{
		"one audience":     `"iss":"https://issuer","aud":"create-user"`,
		"one of audiences": `"iss":"https://issuer","aud":["other","create-user"]`,
	} {
		t.Run(name+" is accepted", func(t *testing.T) {
			tok := hs.sign(t, hs.header(), claimsWith(`"exp":%d,%s`, in(time.Hour), claims))
			if err := v.Verify(t.Context(), tok, userID); err != nil {
				t.Error(err)
			}
		})
	}
	for name, claims := range map[string]string{
		"no issuer":            `"aud":"create-user"`,
		"another issuer":       `"iss":"https://other","aud":"create-user"`,
		"an issuer's prefix":   `"iss":"https://issue","aud":"create-user"`,
		"no audience":          `"iss":"https://issuer"`,
		"another audience":     `"iss":"https://issuer","aud":"other"`,
		"an empty audience":    `"iss":"https://issuer","aud":""`,
		"no audiences":         `"iss":"https://issuer","aud":[]`,
		"audience null":        `"iss":"https://issuer","aud":null`,
		"audience of a number": `"iss":"https://issuer","aud":["create-user",1]`,
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			expectInvalid(t, v, hs.sign(t, hs.header(), claimsWith(`"exp":%d,%s`, in(time.Hour), claims)), userID)
		})
	}
}
