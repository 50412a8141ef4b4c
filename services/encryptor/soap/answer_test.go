package soap_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/services/encryptor/soap"
)

const (
	open  = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>`
	shut  = `</soap:Body></soap:Envelope>`
	space = `xmlns="http://encrypt.com/"`
)

func soapAnswer(phone, password string) string {
	return open + `<EncryptResponse ` + space + `><EncryptedPhone>` + phone + `</EncryptedPhone><EncryptedPassword>` +
		password + `</EncryptedPassword></EncryptResponse>` + shut
}

func soapFault(code string) string {
	return open + `<soap:Fault><faultcode>` + code + `</faultcode><faultstring>cannot encrypt ` + echo +
		`</faultstring><faultactor>` + echo + `</faultactor><detail><e:error xmlns:e="urn:e" at="` + echo + `">` + echo +
		`</e:error></detail></soap:Fault>` + shut
}

// answer is one answer of a service and how a call with it must end. An answer
// that is encrypted holds the values "ph=" and "pw=".
type answer struct {
	name   string
	status int
	body   string
	want   string
}

func answers() []answer {
	ok := soapAnswer("ph=", "pw=")
	change := func(old, new string) string { return strings.ReplaceAll(ok, old, new) }
	return slices.Concat([]answer{
		{"plain", 200, ok, encrypted},
		{"indented, as deployed services answer", 200, change("><", ">\n  <"), encrypted},
		{"all prefixed", 200, `<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/" xmlns:e="http://encrypt.com/"><S:Header/><S:Body>` +
			`<e:EncryptResponse><e:EncryptedPhone>ph=</e:EncryptedPhone><e:EncryptedPassword>pw=</e:EncryptedPassword></e:EncryptResponse></S:Body></S:Envelope>`, encrypted},
		{"without prefixes", 200, `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><EncryptResponse ` + space + `>` +
			`<EncryptedPhone>ph=</EncryptedPhone><EncryptedPassword>pw=</EncryptedPassword></EncryptResponse></Body></Envelope>`, encrypted},
		{"values in no namespace", 200, open + `<e:EncryptResponse xmlns:e="http://encrypt.com/">` +
			`<EncryptedPhone>ph=</EncryptedPhone><EncryptedPassword>pw=</EncryptedPassword></e:EncryptResponse>` + shut, encrypted},
		{"in other order, with more", 200, open + `<EncryptResponse ` + space + ` x="y"><EncryptedPassword a="b">pw=</EncryptedPassword>` +
			`<More><EncryptedPhone>no</EncryptedPhone></More><EncryptedPhone>ph=</EncryptedPhone></EncryptResponse>` + shut, encrypted},
		{"after a header", 200, change("<soap:Body>", `<soap:Header><x:y xmlns:x="urn:x"><attachments/>z</x:y></soap:Header><soap:Body>`), encrypted},
		{"with a byte order mark", 200, "\uFEFF" + ok, encrypted},
		{"with comments and CDATA", 200, "<!-- a -->" + change("ph=", "p<!-- b --><![CDATA[h=]]>"), encrypted},
		{"with a reference", 200, change("ph=", "ph&#61;"), encrypted},
	}, unusableAnswers(ok, change), statusAnswers(ok), faultAnswers())
}

func unusableAnswers(ok string, change func(old, new string) string) []answer {
	bodies := []answer{
		{name: "empty", body: ""},
		{name: "white space", body: " \n"},
		{name: "text", body: echo},
		{name: "HTML", body: "<!DOCTYPE html><html><body>" + echo + "<br></body></html>"},
		{name: "JSON", body: `{"EncryptedPhone": "` + phone + `"}`},
		{name: "bytes", body: "\x1f\x8b\x00\xff\xfe"},
		{name: "cut off", body: ok[:len(ok)-5]},
		{name: "cut off in a value", body: ok[:strings.Index(ok, "ph=")+1]},
		{name: "tags that do not match", body: change("</EncryptedPhone>", "</"+password+">")},
		{name: "followed by text", body: ok + echo},
		{name: "followed by another", body: ok + ok},
		{name: "followed by an empty one", body: ok + `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"/>`},
		{name: "text before it", body: echo + ok},
		{name: "an empty envelope", body: strings.ReplaceAll(open+shut, "<soap:Body></soap:Body>", "")},
		{name: "an empty body", body: open + shut},
		{name: "an empty element", body: open + `<EncryptResponse ` + space + `/>` + shut},
		{name: "text in the body", body: change("</soap:Body>", echo+"</soap:Body>")},
		{name: "text in the answer", body: change("</EncryptResponse>", echo+"</EncryptResponse>")},
		{name: "two bodies", body: change("</soap:Body>", "</soap:Body><soap:Body/>")},
		{name: "two answers", body: strings.Replace(ok, shut, ok[len(open):len(ok)-len(shut)]+shut, 1)},
		{name: "an answer and a fault", body: change("</soap:Body>", "<soap:Fault/></soap:Body>")},
		{name: "a fault and a body", body: strings.ReplaceAll(soapFault("Client"), "</soap:Body>", "</soap:Body><soap:Body>x</soap:Body>")},
		{name: "attachments, at which the generated client panics", body: change("<soap:Body>", "<attachments><Name>x</Name></attachments><soap:Body>")},
		{name: "another element", body: change("EncryptResponse", "DecryptResponse")},
		{name: "another namespace", body: change("encrypt.com", "example.com")},
		{name: "no namespace", body: change(" "+space, "")},
		{name: "values in another namespace", body: change("<EncryptedPhone>", `<EncryptedPhone xmlns="urn:x">`)},
		{name: "SOAP 1.2", body: change("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")},
		{name: "not SOAP", body: ok[len(open) : len(ok)-len(shut)]},
		{name: "a prefix without a namespace", body: change(`xmlns:soap="`, `xmlns:other="`)},
		{name: "no phone", body: change("<EncryptedPhone>ph=</EncryptedPhone>", "")},
		{name: "no password", body: change("<EncryptedPassword>pw=</EncryptedPassword>", "")},
		{name: "a password by another name", body: change("EncryptedPassword", "encryptedPassword")},
		{name: "an empty phone", body: change("ph=", "")},
		{name: "a blank password", body: change("pw=", " \n\t")},
		{name: "two phones", body: change("<EncryptedPassword>", "<EncryptedPhone>x</EncryptedPhone><EncryptedPassword>")},
		{name: "an element in a value", body: change("pw=", "pw=<b>"+echo+"</b>")},
		{name: "the phone as it was sent", body: change("ph=", phone)},
		{name: "the password as it was sent", body: change("pw=", password)},
		{name: "a document type", body: `<!DOCTYPE soap:Envelope>` + ok},
		{name: "an entity of its own", body: `<!DOCTYPE x [<!ENTITY e "` + echo + `">]>` + change("ph=", "&e;")},
		{name: "entities that multiply", body: `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>` + change("ph=", "&b;")},
		{name: "an external entity", body: `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>` + change("ph=", "&e;")},
		{name: "an unknown entity", body: change("ph=", "&"+password+";")},
		{name: "a control character", body: change("ph=", "\x01")},
		{name: "an escaped control character", body: change("ph=", "&#1;")},
		{name: "another character set", body: change("UTF-8", "ISO-8859-1")},
		{name: "bytes of another character set", body: change("ph=", "\xe9")},
		{name: "nested without end", body: strings.Repeat("<a>", 12_000)},
	}
	for i := range bodies {
		bodies[i].status, bodies[i].want = http.StatusOK, unusable
	}
	return bodies
}

// statusAnswers are statuses with a body that is no fault.
func statusAnswers(ok string) []answer {
	var list []answer
	for status, want := range map[int]string{
		101: unusable, 201: unusable, 202: unusable, 204: unusable, 299: unusable, 300: unusable, 304: unusable,
		400: unusable, 401: unusable, 403: unusable, 404: unusable, 405: unusable, 415: unusable,
		408: unavailable, 429: unavailable,
		500: unavailable, 501: unavailable, 502: unavailable, 503: unavailable, 504: unavailable, 599: unavailable, 999: unavailable,
	} {
		for kind, body := range map[string]string{"an answer": ok, "text": echo, "nothing": "", "a huge text": strings.Repeat(echo, 10_000)} {
			list = append(list, answer{http.StatusText(status) + " with " + kind, status, body, want})
		}
	}
	return list
}

func faultAnswers() []answer {
	var list []answer
	for code, want := range map[string]string{
		"soap:Client": "Client", "Client": "Client", "soap:Client.Authentication": "Client", "soap:Sender": "Client",
		"soap:Server": "Server", "\n\tSOAP-ENV:Server\n": "Server", "soap:Receiver": "Server", "soap:Server." + password: "Server",
		"soap:MustUnderstand": "MustUnderstand", "soap:VersionMismatch": "VersionMismatch",
		"": "other", password: "other", "soap:" + password: "other", password + ":x": "other",
		strings.Repeat("x", 10_000): "other",
	} {
		for _, status := range []int{200, 400, 401, 500, 505} {
			list = append(list, answer{"a fault " + code[:min(20, len(code))], status, soapFault(code), fault + want})
		}
	}
	for _, status := range []int{408, 429, 502, 503, 504} {
		list = append(list, answer{"away with a fault", status, soapFault("soap:Server"), unavailable})
	}
	for _, status := range []int{202, 302} {
		list = append(list, answer{"a fault that is no error", status, soapFault("soap:Server"), unusable})
	}
	return append(list,
		answer{"a fault of nothing", 500, open + "<soap:Fault/>" + shut, fault + "other"},
		answer{"a fault cut off", 500, soapFault("soap:Client")[:300], unavailable},
		answer{"a fault written as in SOAP 1.2", 500, open + "<soap:Fault><soap:Code><soap:Value>x:Server</soap:Value><soap:Subcode><soap:Value>" + echo +
			"</soap:Value></soap:Subcode></soap:Code><soap:Reason><soap:Text>" + echo + "</soap:Text></soap:Reason></soap:Fault>" + shut, fault + "Server"},
		answer{"a fault of another namespace", 500, strings.ReplaceAll(soapFault("x"), "soap:Fault", "Fault"), unavailable},
		answer{"two fault codes", 500, strings.ReplaceAll(soapFault("soap:Client"), "<faultstring>", "<faultcode>"+password+"</faultcode><faultstring>"), fault + "other"},
	)
}

// call has a client read an answer.
func call(t testing.TB, status int, body string) (soap.Encrypted, error) {
	t.Helper()
	client := soap.NewVia(soap.Config{URL: "http://service.test"}, transport(func(*http.Request) *http.Response {
		return &http.Response{
			StatusCode: status,
			// Which the generated client would decode in another way.
			Header: http.Header{"Content-Type": {`multipart/related; boundary=x; type="application/xop+xml"; start-info="application/soap+xml"`}},
			Body:   io.NopCloser(strings.NewReader(body)),
		}
	}))
	return client.Encrypt(t.Context(), phone, password)
}

type transport func(*http.Request) *http.Response

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func TestEncrypt_EveryAnswerIsOfOneKind(t *testing.T) {
	for _, a := range answers() {
		t.Run(a.name, func(t *testing.T) {
			got, err := call(t, a.status, a.body)
			if end := kind(t, err); end != a.want {
				t.Errorf("status %d ends %s (%v), want %s", a.status, end, err, a.want)
			}
			quotesNothing(t, err)
			want := soap.Encrypted{}
			if a.want == encrypted {
				want = soap.Encrypted{Phone: "ph=", Password: "pw="}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if err != nil && len(err.Error()) > 200 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

// FuzzEncrypt_Answer holds for whatever a service answers: no panic, one kind of
// end, nothing quoted, and never an empty or unencrypted value.
func FuzzEncrypt_Answer(f *testing.F) {
	for _, a := range answers() {
		f.Add(a.status, a.body)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		got, err := call(t, status, body)
		quotesNothing(t, err)
		if kind(t, err) != encrypted {
			return
		}
		if status != http.StatusOK {
			t.Errorf("an answer with status %d was taken", status)
		}
		for value, sent := range map[string]string{got.Phone: phone, got.Password: password} {
			if strings.TrimSpace(value) == "" || value == sent {
				t.Errorf("the value %q was taken", value)
			}
		}
	})
}
