package streams_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/streams"
)

func TestLoad_DeclaresTheStreamsOfTheContract(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	type stream struct {
		Name      string
		Subjects  []string
		Retention jetstream.RetentionPolicy
		MaxAge    time.Duration
		Dedupe    time.Duration
		MaxSize   int32
		Direct    bool
	}
	var got []stream
	for _, s := range load(t).Streams {
		c := s.Config
		got = append(got, stream{c.Name, c.Subjects, c.Retention, c.MaxAge, c.Duplicates, c.MaxMsgSize, c.AllowDirect})
		if c.Discard != jetstream.DiscardNew || c.Storage != jetstream.FileStorage || c.Replicas != 1 || c.MaxBytes < 64<<20 {
			t.Errorf("%s: discard %v, storage %v, replicas %d, bytes %d", c.Name, c.Discard, c.Storage, c.Replicas, c.MaxBytes)
		}
	}
	want := []stream{
		{requests, []string{"user.create.requested"}, jetstream.WorkQueuePolicy, 0, 10 * time.Minute, 4 << 20, false},
		{events, []string{"user.create.*.*.*"}, jetstream.LimitsPolicy, 7 * day, 100 * time.Millisecond, 1 << 20, true},
		{deadLetters, []string{"dlq.user.create.>"}, jetstream.LimitsPolicy, 30 * day, 10 * time.Minute, 8 << 20, true},
		{images, []string{"$O.USER_CREATE_IMAGES.C.>", "$O.USER_CREATE_IMAGES.M.>"}, jetstream.LimitsPolicy, day, 2 * time.Minute, -1, true},
		{audit, []string{"audit.user.create.*"}, jetstream.LimitsPolicy, 365 * day, 100 * time.Millisecond, 64 << 10, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
}

func TestLoad_DeclaresTheConsumersInSagaOrder(t *testing.T) {
	t.Parallel()
	type consumer struct{ Name, Stream, Filter string }
	var got []consumer
	d := load(t)
	for _, c := range d.Consumers {
		filters := filtersOf(c)
		got = append(got, consumer{c.Config.Durable, c.Stream, strings.Join(filters, " ")})
		rest := c.Config
		rest.Durable, rest.FilterSubject, rest.FilterSubjects, rest.Description, rest.Metadata = "", "", nil, "", nil
		if diff := cmp.Diff(jetstream.ConsumerConfig{
			Name: c.Config.Durable, DeliverPolicy: jetstream.DeliverAllPolicy, ReplayPolicy: jetstream.ReplayInstantPolicy,
			AckPolicy: jetstream.AckExplicitPolicy, AckWait: 30 * time.Second, MaxDeliver: -1,
			MaxAckPending: 20_000, MaxWaiting: 2048,
		}, rest); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.Config.Durable, diff)
		}
		if c.Config.Description == "" || strings.Contains(c.Config.Description, "\n") {
			t.Errorf("%s: want a description of one line", c.Config.Durable)
		}
		stream, _ := d.Stream(c.Stream)
		for _, filter := range filters {
			if len(stream.Config.Subjects) != 1 || !server.SubjectMatchesFilter(filter, stream.Config.Subjects[0]) {
				t.Errorf("%s filters %s, which %s does not store", c.Config.Durable, filter, c.Stream)
			}
		}
		if c.RelayOnly() != (c.Config.Durable == "notifier") {
			t.Errorf("%s is for relay mode alone: %v", c.Config.Durable, c.RelayOnly())
		}
	}
	want := []consumer{
		{"token-verifier", requests, "user.create.requested"},
		{"code-checker", events, "user.create.token-verified.*.*"},
		{"encryptor", events, "user.create.code-checked.*.*"},
		{"user-writer", events, "user.create.encrypted.*.*"},
		{"code-deleter", events, "user.create.created.*.*"},
		{"claim-releaser", events, "user.create.failed.*.*"},
		{"row-remover", events, "user.create.failed.*.*"},
		{"notifier", events, "user.create.completed.*.* user.create.failed.*.*"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("consumers (-want +got):\n%s", diff)
	}
}

// The server's own types are the form that the nats CLI reads and sends.
func TestDeclarations_AreInTheServersForm(t *testing.T) {
	t.Parallel()
	for pattern, config := range map[string]func() any{
		"*.json":           func() any { return new(server.StreamConfig) },
		"consumers/*.json": func() any { return new(server.ConsumerConfig) },
	} {
		names, err := fs.Glob(os.DirFS("."), pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("list %s: %v, %v", pattern, names, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			decoder := json.NewDecoder(bytes.NewReader(data))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(config()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestParse_ReadsFilesInTheOrderOfTheirNumbers(t *testing.T) {
	t.Parallel()
	folder := fstest.MapFS{"1-S.json": {Data: []byte(`{"name": "S"}`)}}
	for _, name := range []string{"10-j", "2-b", "1-a"} {
		_, durable, _ := strings.Cut(name, "-")
		folder["consumers/"+name+".json"] = &fstest.MapFile{
			Data: []byte(`{"durable_name": "` + durable + `", "metadata": {"stream": "S"}}`),
		}
	}
	d, err := streams.Parse(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got string
	for _, c := range d.Consumers {
		got += c.Config.Durable
	}
	if got != "abj" {
		t.Errorf("order %q, want %q", got, "abj")
	}
}

func TestParse_RefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	const stream, consumer = "1-S.json", "consumers/1-c.json"
	for name, test := range map[string]struct{ file, text, want string }{
		"an unknown key":                     {stream, `{"name": "S", "max_agee": 1}`, `unknown field "max_agee"`},
		"an unknown key of a consumer":       {consumer, `{"durable_name": "c", "metadata": {"stream": "S"}, "ackwait": 1}`, `unknown field "ackwait"`},
		"a key in capitals":                  {stream, `{"NAME": "S"}`, `unknown field "NAME"`},
		"a duration in words":                {stream, `{"name": "S", "max_age": "7d"}`, "cannot unmarshal"},
		"a second value":                     {stream, `{"name": "S"} {}`, "more than one JSON value"},
		"a file that declares another name":  {stream, `{"name": "T"}`, "name the file"},
		"a consumer without a stream":        {consumer, `{"durable_name": "c"}`, "names no declared stream"},
		"a consumer of an undeclared stream": {consumer, `{"durable_name": "c", "metadata": {"stream": "T"}}`, "names no declared stream"},
		"no consumer at all":                 {consumer, "", "no declaration matches consumers/*.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := fstest.MapFS{
				stream:   {Data: []byte(`{"name": "S"}`)},
				consumer: {Data: []byte(`{"durable_name": "c", "metadata": {"stream": "S"}}`)},
			}
			if folder[test.file].Data = []byte(test.text); test.text == "" {
				delete(folder, test.file)
			}
			_, err := streams.Parse(folder)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}
