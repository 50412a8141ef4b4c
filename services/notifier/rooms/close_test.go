package rooms

import (
	"context"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

func TestClose_DeliversWhatWasEmittedBefore(t *testing.T) {
	h := start(t, Options{})
	const clients = 20
	var onWebsocket []*wire
	var onPolling []*enginetest.Polling
	for range clients {
		c := h.connect(nil)
		c.join("ana")
		onWebsocket = append(onWebsocket, c)
		p := enginetest.OpenPolling(t, h.url)
		p.Say("40", `420["joinRoom","ana_Create_User"]`)
		for joined := false; !joined; {
			_, packets := p.Get()
			joined = strings.HasPrefix(packets[len(packets)-1], "430")
		}
		onPolling = append(onPolling, p)
	}
	if heard := h.Emit("ana", created("s1")); heard != 2*clients {
		t.Fatalf("%d clients heard", heard)
	}
	closed := make(chan error, 1)
	go func() { closed <- h.Close(t.Context()) }()
	for _, c := range onWebsocket {
		c.hear(created("s1"))
		// Not the end that would keep npm's client from connecting again.
		if err := c.ExpectEnd(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
			t.Errorf("ended by %v", err)
		}
	}
	for _, p := range onPolling {
		_, packets := p.Get()
		if m := parseProfileResponse(t, packets[0]); m != created("s1") {
			t.Errorf("heard %+v", m)
		}
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if h.Clients() != 0 || h.Emit("ana", created("s2")) != 0 {
		t.Error("somebody is left")
	}
}

func TestClose_RefusesJoinsAndEndsThoseUnderWay(t *testing.T) {
	called := make(chan struct{})
	h := start(t, Options{Last: func(ctx context.Context, _ string) (Message, bool, error) {
		close(called)
		<-ctx.Done()
		return Message{}, false, ctx.Err()
	}})
	c := h.connect(nil)
	c.join("ana")
	<-called
	r := new(recorder)
	late := newSocket(h.ctx, "late", "", r)
	h.registry.enter(late)
	c.SayClose() // or the server would wait for the client to hang up
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.joinRoom(late, args("ana"), "")
	if len(r.sent) != 1 || !strings.Contains(r.sent[0], "the server is closing") {
		t.Errorf("a late joinRoom was answered %q", r.sent)
	}
	if strings.Contains(h.log.String(), "could not be replayed") {
		t.Errorf("the log complains about an end that was meant:\n%s", h.log)
	}
}

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	for name, opts := range map[string]Options{
		"a negative number":   {MaxRooms: -1},
		"a negative limit":    {MaxPayload: -1},
		"a negative duration": {Retry: -1},
		"a bad origin":        {Origins: []string{"example.com"}},
	} {
		if srv, err := New(opts); err == nil {
			_ = srv.Close(t.Context())
			t.Errorf("%s was accepted", name)
		}
	}
}
