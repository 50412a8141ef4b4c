package client_test

import (
	"errors"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
)

func TestRequest_OfSomebodyElsesKeyIsRefused(t *testing.T) {
	t.Parallel()
	s, c, _ := start(t)
	ada, bob := registration("k1"), registration("k1")
	bob.ID = "bob"
	request(t, c, ada)
	expectKeyUsed(t, c, bob, "while the first request waits")

	// Its saga begins, and it leaves the inbox.
	s.Append(event.TokenVerified{ID: "ada"}, event.Key{User: event.UserHash("ada"), Saga: "k1"}, time.Now().Add(time.Minute))
	stream, err := s.JS().Stream(t.Context(), event.StreamRequests)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	expectKeyUsed(t, c, bob, "after the first saga has begun")
	request(t, c, ada) // a repetition is no fault
}

func expectKeyUsed(t *testing.T, c *client.Client, r client.Registration, when string) {
	t.Helper()
	if _, err := c.Request(t.Context(), r); !errors.Is(err, client.ErrKeyUsed) {
		t.Errorf("%s: error = %v, want %v", when, err, client.ErrKeyUsed)
	}
}
