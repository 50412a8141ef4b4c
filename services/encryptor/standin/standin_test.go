package standin_test

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/services/encryptor/soap/wsdl"
	"github.com/create-user/create-user/services/encryptor/standin"
)

const (
	envelopeForm = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%</s:Body></s:Envelope>`
	plain        = `<EncryptRequest xmlns="http://encrypt.com/"><phone>600100200</phone><password>s3cret-word</password></EncryptRequest>`
)

func inEnvelope(body string) string { return strings.Replace(envelopeForm, "%", body, 1) }

func newStandin(t testing.TB) *standin.Standin {
	t.Helper()
	s, err := standin.New([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// answer is what the stand-in's answers may hold.
type answer struct {
	Phone    string `xml:"Body>EncryptResponse>EncryptedPhone"`
	Password string `xml:"Body>EncryptResponse>EncryptedPassword"`
	Code     string `xml:"Body>Fault>faultcode"`
	Reason   string `xml:"Body>Fault>faultstring"`
}

func post(t testing.TB, s *standin.Standin, body string) (status int, text string, a answer) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "text/xml")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	text = w.Body.String()
	if err := xml.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("the answer is no XML: %v in %s", err, text)
	}
	return w.Code, text, a
}

func decrypt(t testing.TB, s *standin.Standin, encrypted string) string {
	t.Helper()
	value, err := s.Decrypt(encrypted)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestStandin_EncryptsWhatXMLParsersRead(t *testing.T) {
	s := newStandin(t)
	const space = `xmlns:e="http://encrypt.com/"`
	for name, c := range map[string]struct{ body, phone, password string }{
		"plain":           {plain, "600100200", "s3cret-word"},
		"prefixed":        {`<e:EncryptRequest ` + space + `><e:phone>1</e:phone><e:password>2</e:password></e:EncryptRequest>`, "1", "2"},
		"in other order":  {`<e:EncryptRequest ` + space + `><e:password>2</e:password><e:phone>1</e:phone></e:EncryptRequest>`, "1", "2"},
		"escaped":         {`<EncryptRequest xmlns="http://encrypt.com/"><phone>&lt;/phone&gt;&amp;&#39;</phone><password>&quot;&#13;&#10;</password></EncryptRequest>`, "</phone>&'", "\"\r\n"},
		"as CDATA":        {`<EncryptRequest xmlns="http://encrypt.com/"><phone><![CDATA[<&>]]></phone><password>é😀</password></EncryptRequest>`, "<&>", "é😀"},
		"around comments": {`<EncryptRequest xmlns="http://encrypt.com/"><phone>1<!-- - -->2</phone><password> 2 </password></EncryptRequest>`, "12", " 2 "},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, a := post(t, s, inEnvelope(c.body))
			got := []any{status, decrypt(t, s, a.Phone), decrypt(t, s, a.Password)}
			if diff := cmp.Diff([]any{http.StatusOK, c.phone, c.password}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStandin_EqualValuesNeverLookEqual(t *testing.T) {
	s := newStandin(t)
	seen := map[string]bool{}
	for range 100 {
		_, _, a := post(t, s, inEnvelope(strings.ReplaceAll(plain, "600100200", "s3cret-word")))
		for _, value := range []string{a.Phone, a.Password} {
			sealed, err := base64.StdEncoding.DecodeString(value)
			if err != nil || len(sealed) < 12 {
				t.Fatalf("%q is not nonce and ciphertext: %v", value, err)
			}
			seen[string(sealed[:12])] = true // the nonces
		}
	}
	if len(seen) != 200 {
		t.Errorf("200 values were encrypted under %d nonces", len(seen))
	}
}

func TestStandin_FitsColumn(t *testing.T) {
	s := newStandin(t)
	for length, fits := range map[int]bool{1: true, standin.FitsColumn: true, standin.FitsColumn + 1: false} {
		value := strings.Repeat("x", length)
		_, _, a := post(t, s, inEnvelope(strings.ReplaceAll(plain, "s3cret-word", value)))
		if got := len(a.Password) <= 100; got != fits {
			t.Errorf("%d bytes make %d characters", length, len(a.Password))
		}
		if got := decrypt(t, s, a.Password); got != value {
			t.Errorf("%d bytes come back as %q", length, got)
		}
	}
}

func TestStandin_AnswersBadRequestsWithAFaultThatQuotesNothing(t *testing.T) {
	s := newStandin(t)
	for name, body := range map[string]string{
		"empty":                          "",
		"not XML":                        "s3cret-word",
		"cut off":                        inEnvelope(plain)[:200],
		"not SOAP":                       plain,
		"SOAP 1.2":                       strings.Replace(inEnvelope(plain), "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope", 1),
		"an empty body":                  inEnvelope(""),
		"another request":                inEnvelope(strings.ReplaceAll(plain, "EncryptRequest", "DecryptRequest")),
		"another namespace":              inEnvelope(strings.ReplaceAll(plain, "encrypt.com", "example.com")),
		"no namespace":                   inEnvelope(strings.ReplaceAll(plain, ` xmlns="http://encrypt.com/"`, "")),
		"no password":                    inEnvelope(strings.ReplaceAll(plain, "<password>s3cret-word</password>", "")),
		"an empty password":              inEnvelope(strings.ReplaceAll(plain, "s3cret-word", "")),
		"two passwords":                  inEnvelope(strings.ReplaceAll(plain, "<password>", "<password>1</password><password>")),
		"two requests":                   inEnvelope(plain + plain),
		"two bodies":                     strings.ReplaceAll(inEnvelope(plain), "</s:Body>", "</s:Body><s:Body>"+plain+"</s:Body>"),
		"two envelopes":                  inEnvelope(plain) + inEnvelope(plain),
		"an element in a value":          inEnvelope(strings.ReplaceAll(plain, "s3cret-word", "s3cret-word<b/>")),
		"an unknown element":             inEnvelope(strings.ReplaceAll(plain, "<phone>", "<fax/><phone>")),
		"a document type":                `<!DOCTYPE x [<!ENTITY e "s3cret-word">]>` + inEnvelope(plain),
		"an entity":                      inEnvelope(strings.ReplaceAll(plain, "s3cret-word", "&s3cret-word;")),
		"a control character":            inEnvelope(strings.ReplaceAll(plain, "s3cret-word", "s3cret-word\x01")),
		"an escaped control character":   inEnvelope(strings.ReplaceAll(plain, "s3cret-word", "s3cret-word&#1;")),
		"too large":                      inEnvelope(strings.ReplaceAll(plain, "s3cret-word", strings.Repeat("s3cret-word", 10_000))),
		"a character set we do not know": `<?xml version="1.0" encoding="s3cret-word"?>` + inEnvelope(plain),
	} {
		t.Run(name, func(t *testing.T) {
			status, text, a := post(t, s, body)
			if status != http.StatusInternalServerError || a.Code != "soap:Client" || a.Reason == "" {
				t.Errorf("answered %d, code %q, reason %q", status, a.Code, a.Reason)
			}
			if strings.Contains(text, "s3cret") {
				t.Errorf("the fault quotes the request: %s", text)
			}
		})
	}
}

func TestStandin_RefusesWhatIsNotSOAPOverHTTP(t *testing.T) {
	s := newStandin(t)
	for name, c := range map[string]struct {
		method, target, contentType string
		want                        int
	}{
		"a GET":                   {http.MethodGet, "/", "", http.StatusMethodNotAllowed},
		"a PUT":                   {http.MethodPut, "/", "text/xml", http.StatusMethodNotAllowed},
		"JSON":                    {http.MethodPost, "/", "application/json", http.StatusUnsupportedMediaType},
		"no content type":         {http.MethodPost, "/", "", http.StatusUnsupportedMediaType},
		"another character set":   {http.MethodPost, "/", "text/xml; charset=utf-16", http.StatusUnsupportedMediaType},
		"a broken content type":   {http.MethodPost, "/", "text/xml; =", http.StatusUnsupportedMediaType},
		"UTF-8 in capitals is ok": {http.MethodPost, "/", `text/xml; charset="UTF-8"`, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.target, strings.NewReader(inEnvelope(plain)))
			r.Header.Set("Content-Type", c.contentType)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("answered %d, want %d", w.Code, c.want)
			}
		})
	}
}

func TestStandin_ServesTheContractWithItsOwnAddress(t *testing.T) {
	for _, target := range []string{"/?wsdl", "/?WSDL"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://standin.test:4010"+target, http.NoBody)
		w := httptest.NewRecorder()
		newStandin(t).ServeHTTP(w, r)
		want := strings.ReplaceAll(wsdl.Contract, wsdl.Address, "http://standin.test:4010/")
		if diff := cmp.Diff(want, w.Body.String()); diff != "" {
			t.Errorf("%s: %s", target, diff)
		}
		if strings.Count(want, "http://standin.test:4010/") != 1 {
			t.Error("the contract does not hold its address once")
		}
	}
}

func TestNew_RefusesAKeyOfAnotherLength(t *testing.T) {
	for _, size := range []int{0, 16, 31, 33} {
		if _, err := standin.New(make([]byte, size)); err == nil {
			t.Errorf("a key of %d bytes is taken", size)
		}
	}
}

func TestDecrypt_RefusesWhatWasNotEncryptedWithTheKey(t *testing.T) {
	s := newStandin(t)
	_, _, a := post(t, s, inEnvelope(plain))
	other, err := standin.New(make([]byte, standin.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Decrypt(a.Phone); err == nil {
		t.Error("another key opens it")
	}
	flipped := []byte(a.Phone)
	flipped[20] ^= 1
	for _, value := range []string{"", "AAAA", "not base64!", string(flipped)} {
		if _, err := s.Decrypt(value); err == nil {
			t.Errorf("%q is opened", value)
		}
	}
}
