package standin

import (
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

const (
	answerForm = xml.Header + `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` +
		`<EncryptResponse xmlns="http://encrypt.com/">` +
		`<EncryptedPhone>%s</EncryptedPhone><EncryptedPassword>%s</EncryptedPassword>` +
		`</EncryptResponse></soap:Body></soap:Envelope>`
	faultHead = xml.Header + `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` +
		`<soap:Fault><faultcode>soap:Client</faultcode><faultstring>`
	faultTail = `</faultstring></soap:Fault></soap:Body></soap:Envelope>`
)

// The reasons for a fault. They never quote the request.
var (
	errTooLarge = errors.New("the request is too large")
	errNotXML   = errors.New("the request is not a SOAP 1.1 envelope")
	errDoctype  = errors.New("a SOAP message must not have a document type")
	errShape    = errors.New("the body must hold one EncryptRequest with one phone and one password, in the namespace http://encrypt.com/")
	errEmpty    = errors.New("the phone and the password must not be empty")
)

// envelope is a request. Fields that may stand once are lists, so that a second
// one is seen.
type envelope struct {
	XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
	Bodies  []struct {
		Requests []struct {
			Phones    []value    `xml:"http://encrypt.com/ phone"`
			Passwords []value    `xml:"http://encrypt.com/ password"`
			Others    []struct{} `xml:",any"`
		} `xml:"http://encrypt.com/ EncryptRequest"`
		Others []struct{} `xml:",any"`
	} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
}

type value struct {
	Text     string     `xml:",chardata"`
	Children []struct{} `xml:",any"`
}

// readRequest returns the values of a request, unescaped.
func readRequest(r io.Reader) (phone, password string, err error) {
	var e envelope
	d := xml.NewTokenDecoder(withoutDoctype{xml.NewDecoder(r)})
	err = d.Decode(&e)
	if err == nil {
		err = atEnd(d)
	}
	if err != nil {
		return "", "", requestError(err)
	}
	if len(e.Bodies) != 1 || len(e.Bodies[0].Requests) != 1 || len(e.Bodies[0].Others) > 0 {
		return "", "", errShape
	}
	q := e.Bodies[0].Requests[0]
	if len(q.Phones) != 1 || len(q.Passwords) != 1 || len(q.Others) > 0 ||
		len(q.Phones[0].Children) > 0 || len(q.Passwords[0].Children) > 0 {
		return "", "", errShape
	}
	phone, password = q.Phones[0].Text, q.Passwords[0].Text
	if phone == "" || password == "" {
		return "", "", errEmpty
	}
	return phone, password, nil
}

// atEnd makes sure that no second document follows the first.
func atEnd(d *xml.Decoder) error {
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, ok := token.(xml.StartElement); ok {
			return errNotXML
		}
	}
}

// requestError is the reason for a fault that stands for what the decoder said,
// which quotes the request.
func requestError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	if errors.Is(err, errDoctype) {
		return errDoctype
	}
	return errNotXML
}

// withoutDoctype passes on tokens until there is a document type.
type withoutDoctype struct{ xml.TokenReader }

// Token returns the next token.
func (r withoutDoctype) Token() (xml.Token, error) {
	token, err := r.TokenReader.Token()
	if _, ok := token.(xml.Directive); ok {
		return nil, errDoctype
	}
	return token, err
}

// isXML reports whether a content type is that of SOAP 1.1, in UTF-8.
func isXML(contentType string) bool {
	kind, params, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "text/xml" &&
		(params["charset"] == "" || strings.EqualFold(params["charset"], "utf-8"))
}

// writeFault answers with status 500, as a fault must (SOAP 1.1, section 6.2).
func writeFault(w http.ResponseWriter, reason error) {
	writeXML(w, http.StatusInternalServerError, faultHead+escape(reason.Error())+faultTail)
}

func writeXML(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", `text/xml; charset="utf-8"`)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // a client that has gone is not answered
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}
