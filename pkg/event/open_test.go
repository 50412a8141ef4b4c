package event_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hpke"
	"slices"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/event"
)

func TestOpen_RefusesWhatDoesNotBelongTogether(t *testing.T) {
	key, other := newKey(t, "a"), newKey(t, "a")
	sealed := seal(t, event.NewSealer(key.Public()), credentials())
	another := seal(t, event.NewSealer(key.Public()), credentials())
	change := func(c func(*event.Sealed)) event.Sealed { s := sealed; c(&s); return s }
	for name, s := range map[string]event.Sealed{
		"another saga":              change(func(s *event.Sealed) { s.Saga = "saga-2" }),
		"no saga":                   change(func(s *event.Sealed) { s.Saga = "" }),
		"another data key":          change(func(s *event.Sealed) { s.Key = another.Key }),
		"another's data":            change(func(s *event.Sealed) { s.Data = another.Data }),
		"no data key":               change(func(s *event.Sealed) { s.Key = nil }),
		"no data":                   change(func(s *event.Sealed) { s.Data = nil }),
		"data without its tag":      change(func(s *event.Sealed) { s.Data = s.Data[:event.DataOverhead-1] }),
		"zero data key":             change(func(s *event.Sealed) { s.Key = make([]byte, event.SealedKeySize) }),
		"a data key a byte longer":  change(func(s *event.Sealed) { s.Key = append(slices.Clone(s.Key), 0) }),
		"a key id that cannot be":   change(func(s *event.Sealed) { s.KeyID = "a b" }),
		"no key id":                 change(func(s *event.Sealed) { s.KeyID = "" }),
		"sealed to another's key":   seal(t, event.NewSealer(other.Public()), credentials()),
		"nothing":                   {},
		"data with a byte in front": change(func(s *event.Sealed) { s.Data = append([]byte{0}, s.Data...) }),
	} {
		t.Run(name, func(t *testing.T) {
			for _, o := range []*event.Opener{event.NewOpener(key), warm(t, key, sealed, another)} {
				got, err := o.Open(s)
				wantIs(t, err, event.ErrNotSealed)
				if got != (event.Credentials{}) {
					t.Error("yet there are credentials")
				}
			}
		})
	}
}

// warm returns an opener that has opened all of these.
func warm(t *testing.T, key event.PrivateKey, sealed ...event.Sealed) *event.Opener {
	t.Helper()
	o := event.NewOpener(key)
	for _, s := range sealed {
		if _, err := o.Open(s); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func TestOpen_AChangedBitAnywhereIsRefused(t *testing.T) {
	key := newKey(t, "a")
	sealed := seal(t, event.NewSealer(key.Public()), credentials())
	opener := warm(t, key, sealed)
	for i, s := range flips(sealed) {
		if _, err := opener.Open(s); err == nil {
			t.Errorf("change %d is accepted", i)
		}
	}
	if got := opener.Opened(); got != 1 {
		t.Errorf("%d data keys are remembered, want the true one", got)
	}
}

func TestOpen_TruncationIsRefused(t *testing.T) {
	key := newKey(t, "a")
	sealed := seal(t, event.NewSealer(key.Public()), credentials())
	opener := event.NewOpener(key)
	for i := range sealed.Data {
		s := sealed
		s.Data = sealed.Data[:i]
		if _, err := opener.Open(s); err == nil {
			t.Errorf("data of %d bytes is accepted", i)
		}
	}
	for i := range sealed.Key {
		s := sealed
		s.Key = sealed.Key[:i]
		if _, err := event.NewOpener(key).Open(s); err == nil {
			t.Errorf("a data key of %d bytes is accepted", i)
		}
	}
}

func TestOpen_KeysRotate(t *testing.T) {
	retired, current := newKey(t, "2025"), newKey(t, "2026")
	old := seal(t, event.NewSealer(retired.Public()), credentials())
	fresh := seal(t, event.NewSealer(current.Public()), credentials())
	both := event.NewOpener(current, retired)
	for name, s := range map[string]event.Sealed{"retired": old, "current": fresh} {
		if got, err := both.Open(s); err != nil || got != credentials() {
			t.Errorf("sealed to the %s key: %v", name, err)
		}
	}
	renamed := old
	renamed.KeyID = "2026"
	_, err := both.Open(renamed)
	wantIs(t, err, event.ErrNotSealed)
	// Destroying the retired key shreds what was sealed to it.
	_, err = event.NewOpener(current).Open(old)
	wantIs(t, err, event.ErrUnknownKey)
	_, err = event.NewOpener().Open(fresh)
	wantIs(t, err, event.ErrUnknownKey)
}

// The key id is bound to the data key, also when two ids name one key.
func TestOpen_KeyIDIsPartOfWhatWasSealed(t *testing.T) {
	key := newKey(t, "a")
	namesake := parsed(t, "b:"+material(keyText(t, key)))[0]
	sealed := seal(t, event.NewSealer(key.Public()), credentials())
	opener := event.NewOpener(key, namesake)
	sealed.KeyID = "b"
	_, err := opener.Open(sealed)
	wantIs(t, err, event.ErrNotSealed)
}

func TestOpen_WhatAPublisherSealedMustBeCredentialsInTheirLimits(t *testing.T) {
	key := newKey(t, "a")
	sealer, opener := event.NewSealer(key.Public()), event.NewOpener(key)
	for _, c := range []struct{ name, inside, field string }{
		{"nothing", "", ""},
		{"no JSON", "phone=1", ""},
		{"a list", `["1","2"]`, ""},
		{"numbers", `{"phone":1,"password":2}`, ""},
		{"two objects", `{"phone":"1","password":"2"}{}`, ""},
		{"text that is not UTF-8", "{\"phone\":\"1\",\"password\":\"\xff\"}", ""},
		{"null", "null", "Phone"},
		{"an empty object", "{}", "Phone"},
		{"a null phone", `{"phone":null,"password":"2"}`, "Phone"},
		{"a null password", `{"phone":"1","password":null}`, "Password"},
		{"an empty password", `{"phone":"1","password":""}`, "Password"},
		{"a phone too long", `{"phone":"` + chars(event.MaxPhone+1) + `","password":"2"}`, "Phone"},
		{"a password too long", `{"phone":"1","password":"` + chars(256) + `x"}`, "Password"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sealed, err := sealer.SealBytes("saga-1", []byte(c.inside))
			if err != nil {
				t.Fatal(err)
			}
			got, err := opener.Open(sealed)
			if c.field == "" {
				wantIs(t, err, event.ErrNotSealed)
			} else {
				wantField(t, err, c.field)
			}
			if got != (event.Credentials{}) {
				t.Error("yet there are credentials")
			}
		})
	}
}

func TestOpenBytes_ReturnsAnyBytes(t *testing.T) {
	key := newKey(t, "a")
	for _, plain := range []string{"", "\x00\xff", "dead letter"} {
		sealed, err := event.NewSealer(key.Public()).SealBytes("saga-1", []byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := event.NewOpener(key).OpenBytes(sealed); err != nil || string(got) != plain {
			t.Errorf("%q is opened as %q, %v", plain, got, err)
		}
	}
}

func TestOpener_RemembersABoundedNumberOfDataKeys(t *testing.T) {
	key := newKey(t, "a")
	sealer, opener := event.NewSealer(key.Public()), event.NewOpener(key)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	sealer.SetNow(func() time.Time { now = now.Add(event.DataKeyAge); return now })
	most := 0
	var first event.Sealed
	for i := range event.OpenedKeys + 10 {
		sealed := seal(t, sealer, credentials())
		if i == 0 {
			first = sealed
		}
		if _, err := opener.Open(sealed); err != nil {
			t.Fatal(err)
		}
		most = max(most, opener.Opened())
	}
	if most != event.OpenedKeys {
		t.Errorf("it remembered up to %d data keys, want %d", most, event.OpenedKeys)
	}
	if _, err := opener.Open(first); err != nil {
		t.Errorf("a data key that was forgotten is not opened again: %v", err)
	}
}

// A publisher in another language builds Sealed from this description: HPKE's
// base mode with the contract's suite, info naming the key id; the encapsulated
// key before the sealed data key; the nonce before the ciphertext; the saga as
// additional data.
func TestSealed_HasTheDescribedLayout(t *testing.T) {
	raw := decodeKey("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo")
	private, err := hpke.DHKEM(ecdh.X25519()).NewPrivateKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	key := parsed(t, "alice:"+encodeKey(raw))[0]
	sealed := seal(t, event.NewSealer(key.Public()), credentials())
	recipient, err := hpke.NewRecipient(sealed.Key[:32], private, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte("create-user data key v1 alice"))
	if err != nil {
		t.Fatal(err)
	}
	dataKey, err := recipient.Open(nil, sealed.Key[32:])
	if err != nil || len(dataKey) != 32 {
		t.Fatalf("a data key of %d bytes, %v", len(dataKey), err)
	}
	block, err := aes.NewCipher(dataKey)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := gcm.Open(nil, sealed.Data[:12], sealed.Data[12:], []byte("saga-1"))
	if want := `{"phone":"+4915112345678","password":"correct horse"}`; err != nil || string(plain) != want {
		t.Errorf("inside is %q, %v; want %q", plain, err, want)
	}
}
