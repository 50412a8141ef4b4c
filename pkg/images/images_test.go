package images_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/images"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

// picture is an image that travels beside its event.
func picture() []byte { return bytes.Repeat([]byte("picture "), 64<<10/8) }

// newStore returns a store and the server behind it. No step runs there.
func newStore(t testing.TB) (*images.Store, *sagatest.Server) {
	t.Helper()
	s := sagatest.New(t, event.StepTokenVerifier)
	return images.New(s.JS()), s
}

func put(t testing.TB, store *images.Store, name string, image []byte) event.ImageClaim {
	t.Helper()
	claim, err := store.Put(t.Context(), name, image)
	if err != nil {
		t.Fatal(err)
	}
	return claim
}

func TestGet_ReturnsWhatWasPut(t *testing.T) {
	store, _ := newStore(t)
	claim := put(t, store, "s1", picture())
	if diff := cmp.Diff(event.NewImageClaim("s1", picture()), claim); diff != "" {
		t.Errorf("claim (-want +got):\n%s", diff)
	}
	put(t, store, "s2", []byte("another"))
	put(t, store, "s1", picture()) // a redelivery
	for range 2 {
		got, err := store.Get(t.Context(), event.Image{Claim: &claim})
		if err != nil || got != string(picture()) {
			t.Errorf("got %d bytes, error %v", len(got), err)
		}
	}
}

func TestGet_TakesAnInlineImageFromTheEvent(t *testing.T) {
	got, err := images.New(nil).Get(t.Context(), event.Image{Inline: "small"})
	if err != nil || got != "small" {
		t.Errorf("got %q, error %v", got, err)
	}
}

func TestGet_RefusesWhatIsNotWhatTheClaimSays(t *testing.T) {
	store, _ := newStore(t)
	lie := "data:image/png;base64,R0lGODlhAQABAAAAACw=" // a GIF
	for name, c := range map[string]struct {
		stored []byte
		claim  event.ImageClaim
	}{
		"another content of the same size": {picture(), event.NewImageClaim("s1", bytes.ToUpper(picture()))},
		"fewer bytes":                      {picture()[1:], event.NewImageClaim("s1", picture())},
		"one byte more":                    {append(picture(), 'x'), event.NewImageClaim("s1", picture())},
		"far more bytes":                   {bytes.Repeat(picture(), 64), event.NewImageClaim("s1", picture())},
		"nothing":                          {nil, event.NewImageClaim("s1", picture())},
		"another kind of image":            {[]byte(lie), event.NewImageClaim("s1", []byte(lie))},
	} {
		t.Run(name, func(t *testing.T) {
			put(t, store, "s1", c.stored)
			got, err := store.Get(t.Context(), event.Image{Claim: &c.claim})
			if !errors.Is(err, event.ErrImage) || got != "" {
				t.Errorf("got %d bytes, error %v", len(got), err)
			}
			if err != nil && strings.Contains(err.Error(), "picture") {
				t.Errorf("the error echoes the image: %v", err)
			}
		})
	}
}

func TestDelete_CanBeRepeated(t *testing.T) {
	store, _ := newStore(t)
	claim := put(t, store, "s1", picture())
	other := put(t, store, "s2", picture())
	for range 2 {
		if err := store.Delete(t.Context(), "s1"); err != nil {
			t.Error(err)
		}
	}
	if err := store.Delete(t.Context(), "never-put"); err != nil {
		t.Error(err)
	}
	if _, err := store.Get(t.Context(), event.Image{Claim: &claim}); !errors.Is(err, images.ErrMissing) {
		t.Errorf("the deleted image: %v", err)
	}
	if _, err := store.Get(t.Context(), event.Image{Claim: &other}); err != nil {
		t.Errorf("the other image: %v", err)
	}
	put(t, store, "s1", picture())
	if _, err := store.Get(t.Context(), event.Image{Claim: &claim}); err != nil {
		t.Errorf("put again: %v", err)
	}
}

func TestGet_TellsAMissingImage(t *testing.T) {
	store, _ := newStore(t)
	claim := event.NewImageClaim("never-put", picture())
	if _, err := store.Get(t.Context(), event.Image{Claim: &claim}); !errors.Is(err, images.ErrMissing) {
		t.Error(err)
	}
}

// every calls each method once and returns the errors.
func every(ctx context.Context, store *images.Store) map[string]error {
	claim := event.NewImageClaim("s1", picture())
	_, putting := store.Put(ctx, "s1", picture())
	_, getting := store.Get(ctx, event.Image{Claim: &claim})
	return map[string]error{"put": putting, "get": getting, "delete": store.Delete(ctx, "s1")}
}

func TestStore_WaitsForItsBucket(t *testing.T) {
	store, s := newStore(t)
	if err := s.JS().DeleteObjectStore(t.Context(), event.BucketImages); err != nil {
		t.Fatal(err)
	}
	for name, err := range every(t.Context(), store) {
		if err == nil || errors.Is(err, images.ErrMissing) || errors.Is(err, event.ErrImage) {
			t.Errorf("%s without a bucket: %v", name, err)
		}
	}
	if _, err := s.JS().CreateObjectStore(t.Context(), jetstream.ObjectStoreConfig{Bucket: event.BucketImages}); err != nil {
		t.Fatal(err)
	}
	for name, err := range every(t.Context(), store) {
		if err != nil {
			t.Errorf("%s with the bucket: %v", name, err)
		}
	}
}

func TestStore_SaysThatTheServerIsAway(t *testing.T) {
	for _, opened := range []bool{false, true} {
		store, s := newStore(t)
		if opened {
			put(t, store, "s0", picture())
		}
		s.Stop()
		for name, call := range map[string]func(context.Context) error{
			"put":    func(ctx context.Context) error { _, err := store.Put(ctx, "s1", picture()); return err },
			"delete": func(ctx context.Context) error { return store.Delete(ctx, "s1") },
			"get": func(ctx context.Context) error {
				claim := event.NewImageClaim("s1", picture())
				_, err := store.Get(ctx, event.Image{Claim: &claim})
				return err
			},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			if err := call(ctx); err == nil || errors.Is(err, images.ErrMissing) || errors.Is(err, event.ErrImage) {
				t.Errorf("opened %t: %s: %v", opened, name, err)
			}
			cancel()
		}
		s.Start()
		for name, err := range every(t.Context(), store) {
			if err != nil {
				t.Errorf("opened %t: %s with the server back: %v", opened, name, err)
			}
		}
	}
}

func TestStore_ServesManyAtOnce(t *testing.T) {
	store, _ := newStore(t)
	var working sync.WaitGroup
	for i := range 16 {
		working.Go(func() {
			name := "s" + string(rune('a'+i))
			image := append(picture(), name...)
			claim, err := store.Put(t.Context(), name, image)
			if err != nil {
				t.Error(err)
				return
			}
			got, err := store.Get(t.Context(), event.Image{Claim: &claim})
			if err != nil || got != string(image) {
				t.Errorf("%s: %d bytes, error %v", name, len(got), err)
			}
			if err := store.Delete(t.Context(), name); err != nil {
				t.Error(err)
			}
		})
	}
	working.Wait()
}
