package rooms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

// onlyOwn lets the bearer of "token-of-<id>" into the room of id.
func onlyOwn(_ context.Context, token, id string) error {
	if token != "token-of-"+id {
		return errors.New("the token is not this user's")
	}
	return nil
}

func TestJoinRoom_HearsWhatIsEmittedToTheRoom(t *testing.T) {
	h := start(t, Options{Authorize: onlyOwn})
	c := h.connect("token-of-ana")
	c.join("ana")
	if heard := h.Emit("ana", created("s1")); heard != 1 {
		t.Errorf("%d clients heard", heard)
	}
	c.hear(created("s1"))
	if heard := h.Emit("ana", created("s1")); heard != 1 {
		t.Errorf("repeated: %d clients heard", heard)
	}
	if heard := h.Emit("bob", created("s2")); heard != 0 {
		t.Errorf("%d clients heard what was for another", heard)
	}
	c.expectNothing()
	if h.Clients() != 1 {
		t.Errorf("%d clients", h.Clients())
	}
}

func TestJoinRoom_IsRefused(t *testing.T) {
	h := start(t, Options{Authorize: onlyOwn})
	for _, test := range []struct {
		name  string
		token any
		args  string // what follows "joinRoom"
		error string
	}{
		{"with another's token", "token-of-eve-SECRET", `,"ana_Create_User"`, "not allowed to join this room"},
		{"without a token", nil, `,"ana_Create_User"`, "not allowed to join this room"},
		{"with a token that is no string", 12345, `,"ana_Create_User"`, "not allowed to join this room"},
		{"with a token that is an object", map[string]string{"token": "token-of-ana"}, `,"ana_Create_User"`, "not allowed to join this room"},
		{"with a token that is too long", "token-of-ana" + strings.Repeat("x", maxToken), `,"ana_Create_User"`, "not allowed to join this room"},
		{"without a room", "token-of-ana", ``, "the room must be a string"},
		{"with null", "token-of-ana", `,null`, "the room must be a string"},
		{"with a number", "token-of-ana", `,7`, "the room must be a string"},
		{"with true", "token-of-ana", `,true`, "the room must be a string"},
		{"with an object", "token-of-ana", `,{"Id":"ana_Create_User"}`, "the room must be a string"},
		{"with an array", "token-of-ana", `,["ana_Create_User"]`, "the room must be a string"},
		{"with a very deep array", "token-of-ana", `,` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000), "the room must be a string"},
		{"with the Id alone", "token-of-ana", `,"ana"`, "the room must be <Id>_Create_User"},
		{"with nothing before the suffix", "token-of-", `,"_Create_User"`, "the room must be <Id>_Create_User"},
		{"with an empty string", "token-of-", `,""`, "the room must be <Id>_Create_User"},
		{"with a name too long", "token-of-ana", `,"` + strings.Repeat("a", 600) + `_Create_User"`, "the room's name is too long"},
		{"with a name far too long", "token-of-ana", `,"` + strings.Repeat("a", 20_000) + `_Create_User"`, "the room's name is too long"},
		{"with the name of a room in another case", "token-of-ana", `,"ana_create_user"`, "the room must be <Id>_Create_User"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := h.connect(test.token)
			c.Say(`427["joinRoom"` + test.args + `]`)
			c.Expect(`437[{"error":` + encode(test.error) + `}]`)
			c.Say(`42["joinRoom"` + test.args + `]`)
			c.Expect(`42["joinRoom_error",{"error":` + encode(test.error) + `}]`)
			if n := h.Emit("ana", created("s1")); n != 0 {
				t.Errorf("%d clients heard", n)
			}
			c.expectNothing() // and the connection is as it was
		})
	}
	if strings.Contains(h.log.String(), "token-of") || strings.Contains(h.log.String(), "ana") {
		t.Errorf("the log tells what clients sent:\n%s", h.log)
	}
}

func TestJoinRoom_TakesAnyIdThatIsAString(t *testing.T) {
	h := start(t, Options{Authorize: onlyOwn})
	for _, id := range []string{"a", "a.b.*.>", "with space", "emoji 🙂", "x_Create_User", "\"quoted\\\"", "új\tlap", strings.Repeat("é", 100)} {
		t.Run(id, func(t *testing.T) {
			c := h.connect("token-of-" + id)
			c.join(id)
			h.Emit(id, created("s1"))
			c.hear(created("s1"))
		})
	}
	t.Run("and ignores what follows it", func(t *testing.T) {
		c := h.connect("token-of-ana")
		c.Say(`425["joinRoom","ana_Create_User",{"more":[1,2]},"bob_Create_User",null]`)
		c.Expect(`435[{"joined":true}]`)
		if h.Emit("ana", created("s1")) != 1 || h.Emit("bob", created("s2")) != 0 {
			t.Error("joined another room")
		}
	})
}

func TestJoinRoom_AgainIsAcknowledgedAgain(t *testing.T) {
	var reads atomic.Int32
	h := start(t, Options{Last: func(context.Context, string) (Message, bool, error) {
		reads.Add(1)
		return refused("s0"), true, nil
	}})
	c := h.connect(nil)
	c.join("ana")
	c.hear(refused("s0"))
	c.join("ana")
	c.expectNothing()
	if h.Emit("ana", created("s1")) != 1 {
		t.Error("twice a member")
	}
	c.hear(created("s1"))
	if n := reads.Load(); n != 1 {
		t.Errorf("the last outcome was read %d times", n)
	}
}

func TestJoinRoom_BoundsTheRoomsOfAClient(t *testing.T) {
	h := start(t, Options{MaxRooms: 2})
	c := h.connect(nil)
	c.join("one")
	c.join("two")
	c.Say(`420["joinRoom","three_Create_User"]`)
	c.Expect(`430[{"error":"too many rooms"}]`)
	other := h.connect(nil)
	other.join("three")
}

func TestJoinRoom_ReplaysTheLastOutcome(t *testing.T) {
	h := start(t, Options{Last: func(_ context.Context, id string) (Message, bool, error) {
		return created("of " + id), id == "ana", nil
	}})
	c := h.connect(nil)
	c.join("ana")
	c.hear(created("of ana"))
	c.join("bob")
	c.expectNothing()
	h.Emit("ana", created("of ana")) // redelivered
	c.expectNothing()
}

// An outcome that is stored and emitted while a client joins is heard once, and
// not after it the older one that a slow read had found.
func TestJoinRoom_MeetingAnEmit(t *testing.T) {
	var stored atomic.Pointer[Message]
	old := refused("old")
	stored.Store(&old)
	reading, emitted := make(chan struct{}), make(chan struct{})
	var reads atomic.Int32
	h := start(t, Options{Retry: time.Millisecond, Last: func(context.Context, string) (Message, bool, error) {
		m := *stored.Load()
		if reads.Add(1) == 1 {
			close(reading)
			<-emitted
		}
		return m, true, nil
	}})
	c := h.connect(nil)
	c.join("ana")
	<-reading
	newest := created("new")
	stored.Store(&newest)
	h.Emit("ana", newest)
	close(emitted)
	c.hear(newest)
	enginetest.Eventually(t, "the outcome was read again", func() bool { return reads.Load() == 2 })
	c.expectNothing()
}

func TestJoinRoom_TriesTheLastOutcomeAgain(t *testing.T) {
	var reads atomic.Int32
	h := start(t, Options{Retry: time.Millisecond, Last: func(context.Context, string) (Message, bool, error) {
		switch reads.Add(1) {
		case 1:
			return Message{}, false, errors.New("the event store is away")
		case 2:
			panic("a fault of Last")
		}
		return created("s1"), true, nil
	}})
	c := h.connect(nil)
	c.join("ana") // is acknowledged although the first tries fail
	c.hear(created("s1"))
}

func TestJoinRoom_WaitsForTheLastOutcomeWhileNobodyCanTellIt(t *testing.T) {
	var reads atomic.Int32
	h := start(t, Options{Retry: time.Millisecond, Lookups: 1, Last: func(context.Context, string) (Message, bool, error) {
		if reads.Add(1) <= tries+2 {
			return Message{}, false, fmt.Errorf("%w: the event store is away", ErrUnavailable)
		}
		return created("s1"), true, nil
	}})
	first, second := h.connect(nil), h.connect(nil)
	first.join("ana")
	second.join("ben")
	first.hear(created("s1"))
	second.hear(created("s1"))
}

func TestJoinRoom_GivesUpTheLastOutcomeButNotTheRoom(t *testing.T) {
	var works atomic.Bool
	h := start(t, Options{Retry: time.Millisecond, Last: func(context.Context, string) (Message, bool, error) {
		if !works.Load() {
			return Message{}, false, errors.New("a fault of Last")
		}
		return created("s1"), true, nil
	}})
	c := h.connect(nil)
	c.join("ana")
	enginetest.Eventually(t, "the log tells", func() bool { return strings.Contains(h.log.String(), "a fault of Last") })
	if strings.Contains(h.log.String(), "ana") {
		t.Errorf("the log tells the room:\n%s", h.log)
	}
	h.Emit("ana", created("s2"))
	c.hear(created("s2"))
	works.Store(true)
	c.join("ana") // a second joinRoom tries again
	c.hear(created("s1"))
}

func TestJoinRoom_OutlivesAPanicOfAuthorize(t *testing.T) {
	h := start(t, Options{Authorize: func(_ context.Context, token, _ string) error { panic("with the token " + token) }})
	c := h.connect("SECRET")
	c.Say(`420["joinRoom","ana_Create_User"]`)
	c.Expect(`430[{"error":"not allowed to join this room"}]`)
	if strings.Contains(h.log.String(), "SECRET") {
		t.Errorf("the log tells the token:\n%s", h.log)
	}
}

func TestJoinRoom_EndsWithItsClient(t *testing.T) {
	called, ended := make(chan struct{}), make(chan error, 1)
	h := start(t, Options{Authorize: func(ctx context.Context, _, _ string) error {
		close(called)
		<-ctx.Done()
		ended <- ctx.Err()
		return nil // too late
	}})
	c := h.connect(nil)
	c.Say(`42["joinRoom","ana_Create_User"]`)
	<-called
	c.Say("41")
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended by %v", err)
	}
	_ = c.NetConn().Close()
	if err := h.Close(t.Context()); err != nil { // waits for the join
		t.Fatal(err)
	}
	if n := len(h.registry.members("ana")); n != 0 {
		t.Errorf("who has gone became a member")
	}
}

func TestJoinRoom_DoesNotHoldUpOtherPackets(t *testing.T) {
	h := start(t, Options{PingInterval: 20 * time.Millisecond, CallTimeout: time.Hour, Authorize: func(ctx context.Context, _, id string) error {
		if id == "slow" {
			<-ctx.Done()
		}
		return nil
	}})
	c := h.connect(nil)
	c.Say(`42["joinRoom","slow_Create_User"]`, `421["joinRoom","quick_Create_User"]`)
	for answered := false; !answered; {
		packet := c.Next()
		if packet == "2" {
			c.Say("3")
		}
		answered = packet == `431[{"joined":true}]`
	}
}

// A thousand clients come back at once; the event store is asked by few at a time.
func TestReplay_BoundsTheCallsOfLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		srv, err := New(Options{Lookups: 3, Last: func(context.Context, string) (Message, bool, error) {
			n := running.Add(1)
			defer running.Add(-1)
			for most.Load() < n {
				most.Store(n)
			}
			<-time.After(time.Second)
			return created("s1"), true, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		var heard []*recorder
		for i := range 30 {
			r := new(recorder)
			heard = append(heard, r)
			s := newSocket(srv.ctx, fmt.Sprint(i), "", r)
			srv.registry.enter(s)
			srv.joinRoom(s, args("ana"), "1")
		}
		srv.joins.Wait()
		if most.Load() != 3 || time.Since(begun) != 10*time.Second {
			t.Errorf("at most %d at once, for %v; want 3 for 10s", most.Load(), time.Since(begun))
		}
		for _, r := range heard {
			if len(r.sent) != 2 {
				t.Errorf("a client heard %q", r.sent)
			}
		}
		if err := srv.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestReplay_WaitsWithoutAGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, tell := make(chan string, 10), make(chan struct{})
		srv, err := New(Options{Lookups: 1, Last: func(_ context.Context, id string) (Message, bool, error) {
			asked <- id
			<-tell
			return created("s1"), true, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		sockets := map[string]*socket{}
		for _, id := range []string{"first", "gone", "last"} {
			s := newSocket(srv.ctx, id, "", new(recorder))
			sockets[id] = s
			srv.registry.enter(s)
			srv.joinRoom(s, args(id), "1")
			synctest.Wait()
		}
		if n := enginetest.Goroutines(t, "(*Server).join("); n != 1 {
			t.Errorf("%d goroutines serve three joins, want 1", n)
		}
		sockets["gone"].end()
		close(tell)
		srv.joins.Wait()
		close(asked)
		var ids []string
		for id := range asked {
			ids = append(ids, id)
		}
		if want := []string{"first", "last"}; !slices.Equal(ids, want) {
			t.Errorf("the last outcome was read for %q, want %q", ids, want)
		}
		if err := srv.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestReplay_ForgetsThoseWhoHaveGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tell := make(chan struct{})
		srv, err := New(Options{Lookups: 1, Last: func(context.Context, string) (Message, bool, error) {
			<-tell
			return Message{}, false, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			s := newSocket(srv.ctx, fmt.Sprint(i), "", new(recorder))
			srv.registry.enter(s)
			srv.joinRoom(s, args("ana"), "1")
			synctest.Wait()
			s.end()
		}
		if n := len(srv.replays.waiting); n > 1 {
			t.Errorf("%d wait of whom all but one have gone", n)
		}
		close(tell)
		if err := srv.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestJoinRoom_CountsNoTryWhileNobodyCanTell(t *testing.T) {
	var reads atomic.Int32
	h := start(t, Options{Retry: time.Millisecond, Last: func(context.Context, string) (Message, bool, error) {
		switch n := reads.Add(1); {
		case n <= tries:
			return Message{}, false, ErrUnavailable
		case n < 2*tries:
			return Message{}, false, errors.New("a fault of Last")
		}
		return created("s1"), true, nil
	}})
	c := h.connect(nil)
	c.join("ana")
	c.hear(created("s1"))
}
