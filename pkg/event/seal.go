package event

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/v1"
)

// Credentials is what is sealed on its way to the encryptor.
type Credentials struct {
	Phone    string `json:"phone"`
	Password string `json:"password"`
}

// String says nothing, so that no log holds a secret.
func (Credentials) String() string { return "credentials" }

// Validate checks the limits of both fields. It returns a [*FieldError]. The
// encryptor calls it for what a publisher sealed, since nobody before could.
func (c Credentials) Validate() error {
	if n := utf8.RuneCountInString(c.Phone); n < 1 || n > MaxPhone {
		return invalid("Phone", "must have 1 to %d characters, has %d", MaxPhone, n)
	}
	if n := len(c.Password); n < 1 || n > MaxPassword {
		return invalid("Password", "must have 1 to %d bytes, has %d", MaxPassword, n)
	}
	return nil
}

// Sealed is something that only the holder of a private key can read: data
// under AES-256-GCM with a data key, and beside it the data key, sealed with
// HPKE (RFC 9180). Byte slices are base64 in JSON.
type Sealed struct {
	KeyID string `json:"kid"`  // which private key opens Key
	Key   []byte `json:"key"`  // the encapsulated key followed by the sealed data key
	Saga  string `json:"saga"` // the saga it was sealed for: additional data of Data
	Data  []byte `json:"data"` // nonce, ciphertext, tag
}

// sizes of the parts, in bytes.
const (
	dataKeySize   = 32
	sealedKeySize = 32 + dataKeySize + 16 // X25519 share, data key, tag
	dataOverhead  = 12 + 16               // nonce, tag
	maxSealedData = 8 << 10               // escaped phone and password with room to spare
)

func (s *Sealed) validate() error {
	switch {
	case !ValidKeyID(s.KeyID):
		return invalid("Sealed", "kid is missing or malformed")
	case len(s.Key) != sealedKeySize:
		return invalid("Sealed", "key must have %d bytes, has %d", sealedKeySize, len(s.Key))
	case !ValidSagaID(s.Saga):
		return invalid("Sealed", "saga must be a saga id")
	case len(s.Data) < dataOverhead || len(s.Data) > dataOverhead+maxSealedData:
		return invalid("Sealed", "data must have %d to %d bytes, has %d", dataOverhead, dataOverhead+maxSealedData, len(s.Data))
	}
	return nil
}

// The errors of [Opener.Open].
var (
	// ErrUnknownKey: none of the opener's private keys has the id that is named.
	// It may be a key that the operator has not deployed yet.
	ErrUnknownKey = errors.New("sealed to a key that is not here")
	// ErrNotSealed: the parts do not belong together, or are not ours at all.
	ErrNotSealed = errors.New("sealed data cannot be opened")
)

// kem, kdf and aead are the one cipher suite of the contract.
func kem() hpke.KEM   { return hpke.DHKEM(ecdh.X25519()) }
func kdf() hpke.KDF   { return hpke.HKDFSHA256() }
func aead() hpke.AEAD { return hpke.AES256GCM() }

// info binds a sealed data key to its purpose and to the key id.
func info(keyID string) []byte { return []byte("create-user data key v1 " + keyID) }

// dataKeyAge is how long a sender uses one data key: long enough that the
// asymmetric cost is paid rarely, short enough that a key sees far fewer than
// the 2^32 messages that random nonces allow.
const dataKeyAge = time.Minute

// Sealer seals to one public key. It is safe for concurrent use.
type Sealer struct {
	to  PublicKey
	now func() time.Time

	mu      sync.Mutex
	dataKey cipher.AEAD // guarded by mu
	sealed  []byte      // dataKey, sealed to the public key; guarded by mu
	made    time.Time   // guarded by mu
}

// NewSealer returns a sealer for the holder of to's private key.
func NewSealer(to PublicKey) *Sealer { return &Sealer{to: to, now: time.Now} }

// Seal seals the credentials for the given saga.
func (s *Sealer) Seal(saga string, c Credentials) (Sealed, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return Sealed{}, fmt.Errorf("encode credentials: %w", err)
	}
	return s.SealBytes(saga, plain)
}

// SealBytes seals any bytes for the given saga.
func (s *Sealer) SealBytes(saga string, plain []byte) (Sealed, error) {
	dataKey, sealed, err := s.current()
	if err != nil {
		return Sealed{}, fmt.Errorf("make a data key for %s: %w", s.to.ID, err)
	}
	return Sealed{
		KeyID: s.to.ID,
		Key:   slices.Clone(sealed), // many share it: no holder of one may change it for others
		Saga:  saga,
		Data:  dataKey.Seal(nil, nil, plain, []byte(saga)),
	}, nil
}

// current returns the data key in use, making a new one when it is due.
func (s *Sealer) current() (cipher.AEAD, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); s.dataKey == nil || now.Sub(s.made) >= dataKeyAge {
		key := make([]byte, dataKeySize)
		rand.Read(key) // never fails: crypto/rand crashes the program instead
		enc, sender, err := hpke.NewSender(s.to.key, kdf(), aead(), info(s.to.ID))
		if err != nil {
			return nil, nil, err
		}
		box, err := sender.Seal(nil, key)
		if err != nil {
			return nil, nil, err
		}
		if s.dataKey, err = newDataKey(key); err != nil {
			return nil, nil, err
		}
		s.sealed, s.made = append(enc, box...), now
	}
	return s.dataKey, s.sealed, nil
}

func newDataKey(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
