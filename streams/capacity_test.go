package streams_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/streams"
)

// sizes returns the max_bytes of each stream on the server.
func sizes(t testing.TB, js jetstream.JetStream) map[string]int64 {
	t.Helper()
	all := make(map[string]int64)
	for _, name := range []string{requests, events, deadLetters, images, audit} {
		s, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = s.CachedInfo().Config.MaxBytes
	}
	return all
}

func TestApply_SharesTheStoreInTheDeclaredProportion(t *testing.T) {
	t.Parallel()
	js, d := oneServer(t), load(t)
	apply(t, js, d, streams.Options{Store: 129 << 20})
	want := map[string]int64{requests: 16 << 20, events: 64 << 20, deadLetters: 16 << 20, images: 32 << 20, audit: 1 << 20}
	if diff := cmp.Diff(want, sizes(t, js)); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	apply(t, js, d, streams.Options{Store: 1032 << 20})
	want = map[string]int64{requests: 128 << 20, events: 512 << 20, deadLetters: 128 << 20, images: 256 << 20, audit: 8 << 20}
	if diff := cmp.Diff(want, sizes(t, js)); diff != "" {
		t.Errorf("grown (-want +got):\n%s", diff)
	}
	apply(t, js, d, streams.Options{Store: 129 << 20})
	if got := sizes(t, js)[events]; got != 64<<20 {
		t.Errorf("shrunk on request to %d, want %d", got, 64<<20)
	}
}

func TestApply_WithoutOptionsOnlyGrows(t *testing.T) {
	t.Parallel()
	js, d := oneServer(t), load(t)
	apply(t, js, d, streams.Options{Store: 16 << 30})
	before := sizes(t, js)
	report := apply(t, js, d, streams.Options{})
	if diff := cmp.Diff(everything(d, streams.Unchanged, nil), actions(report)); diff != "" {
		t.Errorf("what an operator has sized (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, sizes(t, js)); diff != "" {
		t.Errorf("sizes (-want +got):\n%s", diff)
	}
	apply(t, js, d, streams.Options{Store: 129 << 20})
	apply(t, js, d, streams.Options{})
	if got, want := sizes(t, js)[events], streamOf(t, d, events).MaxBytes; got != want {
		t.Errorf("a stream below the declaration has %d bytes afterwards, want %d", got, want)
	}
}

func TestApply_WithoutOptionsKeepsReplicas(t *testing.T) {
	t.Parallel()
	nodes, d := cluster(t), load(t)
	apply(t, nodes[0], d, streams.Options{Replicas: 3})
	report := apply(t, nodes[1], d, streams.Options{})
	if diff := cmp.Diff(everything(d, streams.Unchanged, nil), actions(report)); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	waitFor(t, "every replica", func() bool {
		all, err := streams.Status(t.Context(), nodes[2])
		if err != nil {
			t.Fatalf("Status: %v", err)
		}
		for _, s := range all {
			if s.Replicas != 3 || s.Leader == "" || s.InSync != 3 || len(s.Drift) > 0 {
				return false
			}
		}
		return len(all) == len(d.Streams)
	})
}

func TestStreams_RefuseWhenFullAndDropNothing(t *testing.T) {
	t.Parallel()
	js, d := oneServer(t), load(t)
	for _, s := range []string{requests, events, deadLetters} {
		config := streamOf(t, d, s)
		config.MaxBytes, config.MaxMsgSize = 64<<10, 32<<10
	}
	apply(t, js, d, streams.Options{})
	for name, subject := range map[string]string{
		requests:    "user.create.requested",
		events:      "user.create.created.user.saga-%d",
		deadLetters: "dlq.user.create.encryptor.user.saga-%d",
	} {
		t.Run(name, func(t *testing.T) {
			var stored uint64
			var err error
			for err == nil && stored < 100 {
				to := subject
				if name != requests {
					to = fmt.Sprintf(subject, stored)
				}
				if _, err = js.Publish(t.Context(), to, bytes.Repeat([]byte("x"), 10<<10)); err == nil {
					stored++
				}
			}
			if _, ok := errors.AsType[*jetstream.APIError](err); !ok {
				t.Fatalf("after %d messages the publisher sees %v, want an error of the server", stored, err)
			}
			wantMessages(t, js, name, 1, stored)
		})
	}
}

func TestBucket_WorksAsAnObjectStore(t *testing.T) {
	t.Parallel()
	js := oneServer(t)
	apply(t, js, load(t), streams.Options{})
	bucket, err := js.ObjectStore(t.Context(), "USER_CREATE_IMAGES")
	if err != nil {
		t.Fatalf("open the bucket: %v", err)
	}
	image := bytes.Repeat([]byte("image"), 200<<10) // several chunks
	if _, err := bucket.PutBytes(t.Context(), "saga-1", image); err != nil {
		t.Fatalf("put: %v", err)
	}
	got, err := bucket.GetBytes(t.Context(), "saga-1")
	if err != nil || !bytes.Equal(got, image) {
		t.Fatalf("get: %d bytes, %v; want %d", len(got), err, len(image))
	}
	if err := bucket.Delete(t.Context(), "saga-1"); err != nil {
		t.Fatalf("delete: %v", err)
	}
	if _, err := bucket.GetBytes(t.Context(), "saga-1"); !errors.Is(err, jetstream.ErrObjectNotFound) {
		t.Errorf("get after delete: %v, want %v", err, jetstream.ErrObjectNotFound)
	}
}

func TestBucket_IsTheOneThatTheClientLibraryWouldMake(t *testing.T) {
	t.Parallel()
	theirs, ours := oneServer(t), oneServer(t)
	apply(t, ours, load(t), streams.Options{})
	declared := *streamOf(t, load(t), images)
	if _, err := theirs.CreateObjectStore(t.Context(), jetstream.ObjectStoreConfig{
		Bucket: "USER_CREATE_IMAGES", Description: declared.Description, Metadata: declared.Metadata,
		TTL: declared.MaxAge, MaxBytes: declared.MaxBytes,
	}); err != nil {
		t.Fatal(err)
	}
	config := func(js jetstream.JetStream) jetstream.StreamConfig {
		s, err := js.Stream(t.Context(), images)
		if err != nil {
			t.Fatal(err)
		}
		return s.CachedInfo().Config
	}
	if diff := cmp.Diff(config(theirs), config(ours)); diff != "" {
		t.Errorf("bucket (-client library's +declared):\n%s", diff)
	}
}
