package soap

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"io"
)

const (
	envelopeSpace = "http://schemas.xmlsoap.org/soap/envelope/" // SOAP 1.1
	contractSpace = "http://encrypt.com/"
)

// The elements of an answer.
func envelopeName() xml.Name { return xml.Name{Space: envelopeSpace, Local: "Envelope"} }
func headerName() xml.Name   { return xml.Name{Space: envelopeSpace, Local: "Header"} }
func bodyName() xml.Name     { return xml.Name{Space: envelopeSpace, Local: "Body"} }
func faultName() xml.Name    { return xml.Name{Space: envelopeSpace, Local: "Fault"} }
func responseName() xml.Name { return xml.Name{Space: contractSpace, Local: "EncryptResponse"} }

// byteOrderMark is what some servers begin with, and what a document may.
const byteOrderMark = "\uFEFF"

// The reasons why an answer is unusable, without a word of it.
var (
	errTooLarge = unusable("it is too large")
	errNotXML   = unusable("it is not an XML document")
	errShape    = unusable("it is not the envelope of one answer")
	errFields   = unusable("it does not hold each value once")
	errDoctype  = unusable("it has a document type")
	errStray    = unusable("it has text between its elements")
)

// readAnswer reads a body that is one SOAP 1.1 envelope with the contract's
// answer, or returns the *Fault that it holds instead. The generated client is
// less strict: it takes an empty body for an answer and the last of two values
// for the value, and panics at an element named "attachments". Elements that the
// contract does not name are ignored within the answer, so that it may grow.
func readAnswer(body []byte) (answer Encrypted, err error) {
	var envelopes, bodies, contents int
	var fault *Fault
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte(byteOrderMark))))
	content := func(element xml.StartElement) (err error) {
		contents++
		switch element.Name {
		case faultName():
			fault, err = readFault(d, element)
			return err
		case responseName():
			answer, err = readValues(d)
			return err
		}
		return errShape
	}
	part := func(element xml.StartElement) error {
		switch element.Name {
		case headerName():
			return skip(d)
		case bodyName():
			bodies++
			return children(d, content)
		}
		return errShape
	}
	err = children(d, func(element xml.StartElement) error {
		envelopes++
		if element.Name != envelopeName() {
			return errShape
		}
		return children(d, part)
	})
	switch {
	case err != nil:
		return Encrypted{}, err
	case envelopes != 1 || bodies != 1 || contents != 1:
		return Encrypted{}, errShape
	case fault != nil:
		return Encrypted{}, fault
	}
	return answer, nil
}

// readFault reads a fault. Some servers write the code as in SOAP 1.2 although
// the envelope is of 1.1; npm soap does for what its handlers throw.
func readFault(d *xml.Decoder, element xml.StartElement) (*Fault, error) {
	var f struct {
		Code   string `xml:"faultcode"`
		Code12 string `xml:"Code>Value"`
	}
	if d.DecodeElement(&f, &element) != nil {
		return nil, errNotXML
	}
	return newFault(cmp.Or(f.Code, f.Code12)), nil
}

// readValues reads what EncryptResponse holds. Servers differ on whether its
// children are in a namespace.
func readValues(d *xml.Decoder) (values Encrypted, err error) {
	var phones, passwords int
	err = children(d, func(element xml.StartElement) (err error) {
		var value *string
		switch element.Name.Local {
		case "EncryptedPhone":
			phones++
			value = &values.Phone
		case "EncryptedPassword":
			passwords++
			value = &values.Password
		default:
			return skip(d)
		}
		if element.Name.Space != contractSpace && element.Name.Space != "" {
			return errFields
		}
		*value, err = text(d)
		return err
	})
	if err == nil && (phones != 1 || passwords != 1) {
		err = errFields
	}
	return values, err
}

// children visits each child of the element that d is in, or the root of the
// document when it is in none. The visitor reads the child to its end.
func children(d *xml.Decoder, visit func(xml.StartElement) error) error {
	for {
		token, err := d.Token()
		switch t := token.(type) {
		case nil:
			if errors.Is(err, io.EOF) { // only at the end of the document
				return nil
			}
			return errNotXML
		case xml.StartElement:
			if err := visit(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return errStray
			}
		case xml.Directive:
			return errDoctype
		}
	}
}

// text reads an element that may hold nothing but text.
func text(d *xml.Decoder) (string, error) {
	all := ""
	for {
		token, _ := d.Token()
		switch t := token.(type) {
		case xml.EndElement:
			return all, nil
		case xml.CharData:
			all += string(t)
		case xml.Comment:
		default:
			return "", errFields
		}
	}
}

// skip reads an element to its end.
func skip(d *xml.Decoder) error {
	if d.Skip() != nil {
		return errNotXML
	}
	return nil
}
