package event_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/create-user/create-user/pkg/event"
)

func credentials() event.Credentials {
	return event.Credentials{Phone: "+4915112345678", Password: "correct horse"}
}

func TestSeal_OpensWithThePrivateKey(t *testing.T) {
	key := newKey(t, "a")
	sealer, opener := event.NewSealer(key.Public()), event.NewOpener(key)
	rapid.Check(t, func(t *rapid.T) {
		c := event.Credentials{
			Phone:    rapid.StringN(1, event.MaxPhone, -1).Draw(t, "phone"),
			Password: rapid.StringN(1, event.MaxPassword/4, -1).Draw(t, "password"),
		}
		sealed, err := sealer.Seal("saga-1", c)
		if err != nil {
			t.Fatal(err)
		}
		wire, err := json.Marshal(sealed)
		if err != nil {
			t.Fatal(err)
		}
		var read event.Sealed
		if err := json.Unmarshal(wire, &read); err != nil {
			t.Fatal(err)
		}
		if got, err := opener.Open(read); err != nil || got != c {
			t.Errorf("opened as phone %q, password %q, %v", got.Phone, got.Password, err)
		}
	})
}

func TestSeal_LargestCredentialsFitARequest(t *testing.T) {
	c := event.Credentials{Phone: strings.Repeat("\x01", event.MaxPhone), Password: strings.Repeat("<", event.MaxPassword)}
	key := newKey(t, "a")
	sealed := seal(t, event.NewSealer(key.Public()), c)
	if _, err := event.DecodeRequested(sealedFields().with("Sealed", sealed).json(t)); err != nil {
		t.Errorf("the request is refused: %v", err)
	}
	if got, err := event.NewOpener(key).Open(sealed); err != nil || got != c {
		t.Errorf("opened as another: %v", err)
	}
}

func TestSeal_ShowsNothingAndNeverTheSameTwice(t *testing.T) {
	sealer := event.NewSealer(newKey(t, "a").Public())
	one, two := seal(t, sealer, credentials()), seal(t, sealer, credentials())
	if bytes.Equal(one.Data, two.Data) {
		t.Error("the same credentials are sealed to the same bytes")
	}
	for _, secret := range []string{credentials().Phone, credentials().Password, "phone"} {
		if bytes.Contains(one.Data, []byte(secret)) || bytes.Contains(one.Key, []byte(secret)) {
			t.Errorf("%q stands in clear", secret)
		}
	}
}

func TestSeal_DataKeyIsRenewedAfterAMinute(t *testing.T) {
	key := newKey(t, "a")
	sealer, opener := event.NewSealer(key.Public()), event.NewOpener(key)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	sealer.SetNow(func() time.Time { return now })
	at := func(d time.Duration) []byte {
		defer func(was time.Time) { now = was }(now)
		now = now.Add(d)
		sealed := seal(t, sealer, credentials())
		if _, err := opener.Open(sealed); err != nil {
			t.Errorf("after %s: %v", d, err)
		}
		return sealed.Key
	}
	first := at(0)
	if !bytes.Equal(first, at(event.DataKeyAge-1)) {
		t.Error("the data key is renewed within the minute")
	}
	second := at(event.DataKeyAge)
	if bytes.Equal(first, second) {
		t.Error("the data key is not renewed after the minute")
	}
	if !bytes.Equal(second, at(2*event.DataKeyAge-1)) {
		t.Error("the second data key does not live for its own minute")
	}
	if event.DataKeyAge != time.Minute {
		t.Errorf("a data key lives for %s, want a minute", event.DataKeyAge)
	}
}

func TestSeal_EachSenderHasItsOwnDataKey(t *testing.T) {
	public := newKey(t, "a").Public()
	one := seal(t, event.NewSealer(public), credentials())
	two := seal(t, event.NewSealer(public), credentials())
	if bytes.Equal(one.Key, two.Key) {
		t.Error("two senders sealed with one data key")
	}
}

func TestSeal_ChangingOneDoesNotChangeTheNext(t *testing.T) {
	key := newKey(t, "a")
	sealer := event.NewSealer(key.Public())
	spoilt := seal(t, sealer, credentials())
	clear(spoilt.Key)
	clear(spoilt.Data)
	_, err := event.NewOpener(key).Open(seal(t, sealer, credentials()))
	wantIs(t, err, nil)
}

func TestSeal_ToAPointOfLowOrderIsAnError(t *testing.T) {
	zero, err := event.ParsePublicKey("a:" + encodeKey(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := event.NewSealer(zero).Seal("saga-1", credentials()); err == nil {
		t.Error("sealed with a secret that everybody knows")
	}
}

func TestSealAndOpen_AreSafeForConcurrentUse(t *testing.T) {
	key := newKey(t, "a")
	sealer, opener := event.NewSealer(key.Public()), event.NewOpener(key)
	var mu sync.Mutex
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	sealer.SetNow(func() time.Time { // a clock that lets the data key age quickly
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				sealed, err := sealer.Seal("saga-1", credentials())
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := opener.Open(sealed); err != nil || got != credentials() {
					t.Errorf("opened as another: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if got := opener.Opened(); got < 5 || got > 8 {
		t.Errorf("400 s made %d data keys, want one a minute", got)
	}
}

// Sealed with the package as it was when it was first released: what stands in
// a stream must stay readable.
func TestOpen_ReadsWhatWasSealedLongAgo(t *testing.T) {
	opener := event.NewOpener(parsed(t, "alice:dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo")...)
	var sealed event.Sealed
	if err := json.Unmarshal([]byte(sealedLongAgo), &sealed); err != nil {
		t.Fatal(err)
	}
	if got, err := opener.Open(sealed); err != nil || got != credentials() {
		t.Errorf("phone %q, password %q, %v", got.Phone, got.Password, err)
	}
}

const sealedLongAgo = `{"kid":"alice","key":"ywtj2cdTIr54UJUUTWnbBV11USmQutwioIlOigFBKW1vdIeFeOcSxIQ6s+/tDpkWgl2at6Ormrnb8gtwYAhgGdB0EUpIUHl49STmTVSPpk8=","saga":"saga-1","data":"TIoV4uBl0ct0hzjRZtHtxgcvVVgRpjOvBo1CAw5Xu+oo8HYz/E58ojRKWX+29B+lpThG9Cq7g0NrKXqEzbinbVWNIZ8VwxEoi0hDLUgcGZRg"}`

// flips returns s with one bit of each byte of its parts flipped, one at a time.
func flips(s event.Sealed) []event.Sealed {
	var list []event.Sealed
	for i := range s.Key {
		c := s
		c.Key = slices.Clone(s.Key)
		c.Key[i] ^= 1
		list = append(list, c)
	}
	for i := range s.Data {
		c := s
		c.Data = slices.Clone(s.Data)
		c.Data[i] ^= 0x80
		list = append(list, c)
	}
	return list
}
