package soap_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/create-user/create-user/services/encryptor/soap"
)

// naive is an encryption service as deployed: it searches the request and never
// unescapes. It encrypts as encrypt does.
func naive(encrypt func(value string) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		between := func(name string) string {
			_, rest, _ := strings.Cut(string(body), "<"+name+">")
			value, _, _ := strings.Cut(rest, "</"+name+">")
			return value
		}
		w.Header().Set("Content-Type", "text/xml")
		_, _ = fmt.Fprintf(w, `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>`+
			`<EncryptResponse xmlns="http://encrypt.com/"><EncryptedPhone>%s</EncryptedPhone><EncryptedPassword>%s</EncryptedPassword>`+
			`</EncryptResponse></soap:Body></soap:Envelope>`, encrypt(between("phone")), encrypt(between("password")))
	})
}

// asSent shows what a naive service would encrypt.
func asSent(value string) string { return base64.StdEncoding.EncodeToString([]byte(value)) }

func TestEncrypt_RawSendsValuesAsTheyAre(t *testing.T) {
	t.Parallel()
	client := newClient(t, soap.Config{URL: serve(t, naive(asSent)), Raw: true})
	for _, value := range []string{password, `& > ' " &amp; ]]>`, "contraseña 密码 😀", " spaces ", "\t"} {
		got, err := client.Encrypt(t.Context(), phone, value)
		if err != nil || got.Password != asSent(value) || got.Phone != asSent(phone) {
			t.Errorf("%q arrived as %+v, %v", value, got, err)
		}
	}
}

func TestEncrypt_RawRefusesWhatWouldBreakTheEnvelope(t *testing.T) {
	t.Parallel()
	asked := 0
	client := newClient(t, soap.Config{URL: serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ })), Raw: true})
	for _, value := range []string{"<", "a<b", "</phone><password>X</password>", "", "\x00", "\xff"} {
		for _, pair := range [][2]string{{value, "p"}, {"p", value}} {
			_, err := client.Encrypt(t.Context(), pair[0], pair[1])
			if got := kind(t, err); got != unsendable {
				t.Errorf("%q ends %s (%v)", pair, got, err)
			}
		}
	}
	if asked > 0 {
		t.Errorf("the service was asked %d times", asked)
	}
}

func TestUnescapes_TellsWhichKindAServiceIs(t *testing.T) {
	t.Parallel()
	block, err := aes.NewCipher([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	random := func(value string) string { // a nonce of its own each time
		nonce := make([]byte, gcm.NonceSize())
		_, _ = rand.Read(nonce)
		return base64.StdEncoding.EncodeToString(gcm.Seal(nonce, nonce, []byte(value), nil))
	}
	for name, c := range map[string]struct {
		service http.Handler
		want    bool
		err     error
	}{
		"one that never unescapes":     {naive(random), false, nil},
		"one by the standard":          {newStandin(t), true, nil},
		"one whose answers are hashes": {naive(func(string) string { return "0123456789abcdef" }), false, soap.ErrCannotTell},
		"none":                         {http.NotFoundHandler(), false, soap.ErrUnusable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := newClient(t, soap.Config{URL: serve(t, c.service) + "/"}).Unescapes(t.Context())
			if got != c.want || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Errorf("Unescapes: %v, %v", got, err)
			}
		})
	}
}
