// Package standin is an encryption service for development and tests. It
// honours encrypt.wsdl: SOAP 1.1 over HTTP, document/literal, values unescaped,
// faults for what it cannot read, and the contract itself at "?wsdl".
//
// Values are encrypted with AES-256-GCM under a fresh random nonce, so equal
// values never look equal, as base64 of nonce, ciphertext and tag. Nothing is
// kept: calls that come twice or at once are each answered on their own, and a
// crash loses nothing.
package standin

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/create-user/create-user/services/encryptor/soap/wsdl"
)

const (
	// KeySize is the length of a key in bytes.
	KeySize = 32

	// FitsColumn is how many bytes a value may have so that it fits into
	// VARCHAR(100) when encrypted: 28 bytes of nonce and tag come to it, and
	// base64 makes 4 characters of 3 bytes. Longer values are encrypted too.
	FitsColumn = 100/4*3 - 28

	maxRequest = 64 << 10 // bytes; the longest password, all escaped, has 10 KiB
)

// Standin is the service's HTTP handler. It is safe for concurrent use.
type Standin struct {
	aead cipher.AEAD
}

// New returns a stand-in that encrypts with a key of KeySize bytes.
func New(key []byte) (*Standin, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("the stand-in's encryption key has %d bytes: it needs %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("making the stand-in's cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("making the stand-in's cipher: %w", err)
	}
	return &Standin{aead: aead}, nil
}

// Decrypt returns the value that the stand-in has encrypted.
func (s *Standin) Decrypt(encrypted string) (string, error) {
	sealed, err := base64.StdEncoding.Strict().DecodeString(encrypted)
	if err != nil {
		return "", errors.New("decrypting: the value is not base64")
	}
	value, err := s.aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return "", errors.New("decrypting: the value was changed or encrypted with another key")
	}
	return string(value), nil
}

func (s *Standin) encrypt(value string) string {
	return base64.StdEncoding.EncodeToString(s.aead.Seal(nil, nil, []byte(value), nil))
}

// ServeHTTP answers one request.
func (s *Standin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet && strings.EqualFold(r.URL.RawQuery, "wsdl"):
		serveContract(w, r)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "POST a SOAP request, or GET ?wsdl", http.StatusMethodNotAllowed)
	case !isXML(r.Header.Get("Content-Type")):
		http.Error(w, "the request must be text/xml", http.StatusUnsupportedMediaType)
	default:
		s.serveEncrypt(w, r)
	}
}

func (s *Standin) serveEncrypt(w http.ResponseWriter, r *http.Request) {
	phone, password, err := readRequest(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		writeFault(w, err)
		return
	}
	writeXML(w, http.StatusOK, fmt.Sprintf(answerForm, s.encrypt(phone), s.encrypt(password)))
}

// serveContract serves the WSDL with the address under which it was asked for,
// since clients call the address that they find in it.
func serveContract(w http.ResponseWriter, r *http.Request) {
	address := "http://" + r.Host + "/"
	writeXML(w, http.StatusOK, strings.ReplaceAll(wsdl.Contract, wsdl.Address, escape(address)))
}
