package interop

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/encryptor/soap"
	"github.com/create-user/create-user/services/encryptor/standin"
)

// wsdl describes the encryption service, to the npm server too.
const wsdl = "../../../services/encryptor/encrypt.wsdl"

const secretWord = "s3cret-word"

// encryptionService starts npm soap's server of our WSDL and returns its URL.
func encryptionService(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(wsdl)
	if err != nil {
		t.Fatal(err)
	}
	server := node(t, "soap-server.mjs", path)
	server.await("its port", func(lines []string) bool { return len(lines) > 0 })
	lines, _ := server.printed()
	return "http://127.0.0.1:" + lines[0] + "/"
}

func encryptionClient(t *testing.T, url string) *soap.Client {
	t.Helper()
	client, err := soap.New(soap.Config{URL: url, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestSOAP_TheEncryptorIsUnderstoodByAnNPMServer(t *testing.T) {
	t.Parallel()
	url := encryptionService(t)
	client := encryptionClient(t, url)
	byNPM := func(value string) string { return "npm:" + base64.StdEncoding.EncodeToString([]byte(value)) }
	for _, value := range []string{secretWord, "</phone><password>X</password>", `& < > ' " &amp; ]]>`, "contraseña 密码 😀"} {
		t.Run("encrypts "+value, func(t *testing.T) {
			got, err := client.Encrypt(t.Context(), value, "~"+value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(soap.Encrypted{Phone: byNPM(value), Password: byNPM("~" + value)}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for phone, want := range map[string]string{"refused": soap.CodeClient, "broken": soap.CodeServer} {
		t.Run("understands that it has "+phone, func(t *testing.T) {
			_, err := client.Encrypt(t.Context(), phone, secretWord)
			fault, ok := errors.AsType[*soap.Fault](err)
			if !ok || fault.Code != want || strings.Contains(err.Error(), secretWord) {
				t.Errorf("the error is %v, want a fault %s that quotes nothing", err, want)
			}
		})
	}
	t.Run("finds another path unusable", func(t *testing.T) {
		if _, err := encryptionClient(t, url+"elsewhere").Encrypt(t.Context(), "1", secretWord); !errors.Is(err, soap.ErrUnusable) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestSOAP_TheStandinIsUnderstoodByAnNPMClient(t *testing.T) {
	t.Parallel()
	encryption, err := standin.New([]byte(service.DevEncryptKey))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(encryption)
	t.Cleanup(server.Close)
	ask := func(t *testing.T, phone, password string) (answer struct{ Phone, Password, Fault string }) {
		t.Helper()
		lines := node(t, "soap-client.mjs", server.URL+"/?wsdl", phone, password).wait()
		if len(lines) != 1 {
			t.Fatalf("it printed %q", lines)
		}
		if err := json.Unmarshal([]byte(lines[0]), &answer); err != nil {
			t.Fatalf("it printed %q: %v", lines[0], err)
		}
		return answer
	}
	t.Run("encrypts", func(t *testing.T) {
		const odd = `& < > ' " 密码`
		answer := ask(t, "600100200", odd)
		if value, err := encryption.Decrypt(answer.Password); err != nil || value != odd {
			t.Errorf("the password arrived as %q, %v", value, err)
		}
	})
	t.Run("answers with a fault", func(t *testing.T) {
		if answer := ask(t, "", secretWord); answer.Fault != "soap:Client" {
			t.Errorf("got %+v", answer)
		}
	})
}
