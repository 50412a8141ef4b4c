package event

import (
	"crypto/cipher"
	"crypto/hpke"
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/v1"
)

// openedKeys is how many opened data keys an [Opener] remembers: one a minute
// for each sender, so enough for a thousand senders.
const openedKeys = 1024

// Opener opens what was sealed to any of its private keys. It remembers opened
// data keys, so that the asymmetric cost is paid once per data key. It is safe
// for concurrent use.
type Opener struct {
	keys map[string]PrivateKey // by id; never changes

	mu     sync.Mutex
	opened map[sealedKey]cipher.AEAD // guarded by mu
}

// sealedKey names a data key by what it was sealed as.
type sealedKey struct{ keyID, key string }

// NewOpener returns an opener that holds the given keys: the current one and
// those that were retired but may still be needed.
func NewOpener(keys ...PrivateKey) *Opener {
	o := &Opener{keys: make(map[string]PrivateKey, len(keys)), opened: make(map[sealedKey]cipher.AEAD)}
	for _, k := range keys {
		o.keys[k.ID] = k
	}
	return o
}

// Open returns the credentials in s, within their limits. It fails with
// [ErrUnknownKey], [ErrNotSealed] or, when they are out of range, a [*FieldError].
func (o *Opener) Open(s Sealed) (Credentials, error) {
	plain, err := o.OpenBytes(s)
	if err != nil {
		return Credentials{}, err
	}
	var c Credentials
	if err := json.Unmarshal(plain, &c); err != nil || !utf8.Valid(plain) {
		return Credentials{}, fmt.Errorf("%w: no credentials inside", ErrNotSealed)
	}
	if err := c.Validate(); err != nil {
		return Credentials{}, err
	}
	return c, nil
}

// OpenBytes returns the bytes in s. It fails with [ErrUnknownKey] or [ErrNotSealed].
func (o *Opener) OpenBytes(s Sealed) ([]byte, error) {
	dataKey, err := o.dataKey(s)
	if err != nil {
		return nil, err
	}
	plain, err := dataKey.Open(nil, nil, s.Data, []byte(s.Saga))
	if err != nil {
		return nil, fmt.Errorf("%w: data", ErrNotSealed)
	}
	return plain, nil
}

func (o *Opener) dataKey(s Sealed) (cipher.AEAD, error) {
	o.mu.Lock()
	known, ok := o.opened[sealedKey{s.KeyID, string(s.Key)}]
	o.mu.Unlock()
	if ok {
		return known, nil
	}
	key, err := o.unwrap(s)
	if err != nil {
		return nil, err
	}
	opened, err := newDataKey(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSealed, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.opened) >= openedKeys {
		clear(o.opened) // rare; each comes back at the price of one unwrapping
	}
	o.opened[sealedKey{s.KeyID, string(s.Key)}] = opened
	return opened, nil
}

// unwrap opens the data key itself.
func (o *Opener) unwrap(s Sealed) ([]byte, error) {
	if !ValidKeyID(s.KeyID) {
		return nil, fmt.Errorf("%w: key id", ErrNotSealed) // no key can ever have it
	}
	private, ok := o.keys[s.KeyID]
	if !ok {
		return nil, fmt.Errorf("%w: id %s", ErrUnknownKey, s.KeyID)
	}
	if len(s.Key) != sealedKeySize {
		return nil, fmt.Errorf("%w: data key of %d bytes", ErrNotSealed, len(s.Key))
	}
	enc, box := s.Key[:sealedKeySize-dataKeySize-16], s.Key[sealedKeySize-dataKeySize-16:]
	recipient, err := hpke.NewRecipient(enc, private.key, kdf(), aead(), info(s.KeyID))
	if err != nil {
		return nil, fmt.Errorf("%w: data key", ErrNotSealed)
	}
	key, err := recipient.Open(nil, box)
	if err != nil {
		return nil, fmt.Errorf("%w: data key", ErrNotSealed)
	}
	return key, nil
}
