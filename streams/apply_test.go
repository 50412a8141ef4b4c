package streams_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/streams"
)

const (
	requests    = "USER_CREATE_REQUESTS"
	events      = "USER_CREATE_EVENTS"
	deadLetters = "USER_CREATE_DLQ"
	images      = "OBJ_USER_CREATE_IMAGES"
	audit       = "USER_CREATE_AUDIT"
)

func TestApply_CreatesEverythingThenLeavesItAlone(t *testing.T) {
	t.Parallel()
	js, d := oneServer(t), load(t)
	first, err := streams.Apply(t.Context(), js, streams.Options{})
	if err != nil {
		t.Fatalf("first Apply: %v", err)
	}
	if diff := cmp.Diff(everything(d, streams.Created, nil), actions(first)); diff != "" {
		t.Errorf("first Apply (-want +got):\n%s", diff)
	}
	second, err := streams.Apply(t.Context(), js, streams.Options{})
	if err != nil {
		t.Fatalf("second Apply: %v", err)
	}
	if diff := cmp.Diff(everything(d, streams.Unchanged, nil), actions(second)); diff != "" {
		t.Errorf("second Apply (-want +got):\n%s", diff)
	}
}

func TestApply_UpdatesWhatTheDeclarationChanges(t *testing.T) {
	t.Parallel()
	js, d := oneServer(t), load(t)
	apply(t, js, d, streams.Options{})
	streamOf(t, d, events).MaxAge = 14 * 24 * time.Hour
	streamOf(t, d, deadLetters).Subjects = []string{"dlq.user.create.>", "dlq.more.>"}
	consumerOf(t, d, "encryptor").AckWait = time.Minute

	report := apply(t, js, d, streams.Options{})
	want := everything(d, streams.Unchanged, map[string]streams.Action{
		events: streams.Updated, deadLetters: streams.Updated, "encryptor": streams.Updated,
	})
	if diff := cmp.Diff(want, actions(report)); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	var lines []string
	for _, c := range report {
		for _, drift := range c.Drift {
			lines = append(lines, drift.String())
		}
	}
	if diff := cmp.Diff([]string{
		"max_age: declared 336h0m0s, server has 168h0m0s",
		`subjects: declared ["dlq.user.create.>","dlq.more.>"], server has ["dlq.user.create.>"]`,
		"ack_wait: declared 1m0s, server has 30s",
	}, lines); diff != "" {
		t.Errorf("drift (-want +got):\n%s", diff)
	}
	if again := apply(t, js, d, streams.Options{}); !cmp.Equal(everything(d, streams.Unchanged, nil), actions(again)) {
		t.Errorf("applied again: %v, want everything unchanged", again)
	}
}

func TestApply_KeepsWhatNoFileNames(t *testing.T) {
	t.Parallel()
	js, d := oneServer(t), load(t)
	apply(t, js, d, streams.Options{})
	stream, err := js.Stream(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.Compression = jetstream.S2Compression
	config.Metadata["team"] = "registrations"
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatalf("an operator's own change: %v", err)
	}

	streamOf(t, d, events).MaxMsgSize = 2 << 20
	if got := actions(apply(t, js, d, streams.Options{}))[events]; got != streams.Updated {
		t.Errorf("the stream is %s, want updated", got)
	}
	if stream, err = js.Stream(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	config = stream.CachedInfo().Config
	if config.Compression != jetstream.S2Compression || config.Metadata["team"] != "registrations" {
		t.Errorf("compression %v, metadata %v: want the operator's", config.Compression, config.Metadata)
	}
	if config.MaxMsgSize != 2<<20 || config.Metadata["system"] != "create-user" {
		t.Errorf("max_msg_size %d, metadata %v: want the declared", config.MaxMsgSize, config.Metadata)
	}
}

func TestApply_ByManyProcessesAtOnce(t *testing.T) {
	t.Parallel()
	for name, servers := range map[string]func(testing.TB) []jetstream.JetStream{
		"on one server":         func(t testing.TB) []jetstream.JetStream { return []jetstream.JetStream{oneServer(t)} },
		"on a cluster of three": cluster,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nodes, d := servers(t), load(t)
			options := streams.Options{Replicas: len(nodes)}
			const processes = 8
			var all sync.WaitGroup
			errs := make([]error, processes)
			for i := range processes {
				all.Go(func() { _, errs[i] = streams.Apply(t.Context(), nodes[i%len(nodes)], options) })
			}
			all.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatalf("Apply: %v", err)
			}
			after := actions(apply(t, nodes[0], d, options))
			if diff := cmp.Diff(everything(d, streams.Unchanged, nil), after); diff != "" {
				t.Errorf("afterwards (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApply_ExplainsWhatTheServerRefuses(t *testing.T) {
	t.Parallel()
	withoutJetStream := testOptions(t)
	withoutJetStream.JetStream = false
	small := testOptions(t)
	small.JetStreamMaxStore = 1 << 30
	for name, test := range map[string]struct {
		js      jetstream.JetStream
		options streams.Options
		want    string
	}{
		"replicas on one server name the variable":    {oneServer(t), streams.Options{Replicas: 3}, "STREAM_REPLICAS"},
		"a disk that is too small names the variable": {connect(t, start(t, small)), streams.Options{}, "STREAM_STORE"},
		"no JetStream names the flag":                 {connect(t, start(t, withoutJetStream)), streams.Options{}, "-js"},
		"six replicas are never possible":             {oneServer(t), streams.Options{Replicas: 6}, "want 1 to 5"},
		"a negative store is an error":                {oneServer(t), streams.Options{Store: -1}, "want a number of bytes"},
		"a store too small for one message says so":   {oneServer(t), streams.Options{Store: 1 << 20}, "less than one message"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := streams.Apply(t.Context(), test.js, test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestApply_OnAForeignSubjectSaysHowToFindTheStream(t *testing.T) {
	t.Parallel()
	js := oneServer(t)
	foreign := jetstream.StreamConfig{Name: "FOREIGN", Subjects: []string{"user.>"}}
	if _, err := js.CreateStream(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	_, err := streams.Apply(t.Context(), js, streams.Options{})
	if err == nil || !strings.Contains(err.Error(), "nats stream ls --subject") {
		t.Errorf("error %v, want one that says how to find the other stream", err)
	}
}

func TestApply_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := start(t, testOptions(t))
	js := connect(t, s)
	s.Shutdown()
	s.WaitForShutdown()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	report, err := streams.Apply(ctx, js, streams.Options{})
	if !errors.Is(err, context.DeadlineExceeded) || len(report) > 0 {
		t.Errorf("report %v, error %v; want %v", report, err, context.DeadlineExceeded)
	}
}
