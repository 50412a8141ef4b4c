package main

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

func TestStreams_ApplyThenStatus(t *testing.T) {
	t.Parallel()
	s, vars := bareNATS(t)
	command(t, vars, "streams", "status").fails(t, 1, `differences from the declarations: "createuser streams apply" mends`)
	command(t, vars, "streams", "apply").succeeds(t,
		"created    "+event.StreamRequests, "created    "+event.StreamEvents+" > encryptor", "created    "+event.StreamDeadLetters)
	again := command(t, vars, "streams", "apply")
	again.succeeds(t, "unchanged  "+event.StreamRequests+" > token-verifier")
	if strings.Contains(again.out, "created") {
		t.Errorf("applied again:\n%s", again.out)
	}
	command(t, vars, "streams", "status").succeeds(t, event.StreamEvents+"  0 messages, 0 bytes, ", "  encryptor        0 pending, 0 in hand, 0 redelivered")

	conn, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteConsumer(t.Context(), event.StreamEvents, event.StepEncryptor); err != nil {
		t.Fatal(err)
	}
	missing := command(t, vars, "streams", "status")
	missing.fails(t, 1, "1 differences from the declarations")
	missing.prints(t, "  encryptor        MISSING")
	command(t, vars, "streams", "apply").succeeds(t, "created    "+event.StreamEvents+" > encryptor")
	command(t, vars, "streams", "status").succeeds(t)
}

func TestStreams_WrongSettingsAreNamed(t *testing.T) {
	t.Parallel()
	_, vars := bareNATS(t)
	for name, value := range map[string]string{"STREAM_REPLICAS": "many", "STREAM_STORE": "1GB"} {
		r := command(t, vars.With(map[string]string{name: value}), "streams", "apply")
		r.fails(t, 1, name+" cannot be read")
		if strings.Contains(r.err, value) {
			t.Errorf("the value is shown: %s", r.err)
		}
	}
	command(t, vars.With(map[string]string{"STREAM_REPLICAS": "9"}), "streams", "apply").fails(t, 1, "")
}
