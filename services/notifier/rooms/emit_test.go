package rooms

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

func TestEmit_IsHeardByEveryClientOfTheRoom(t *testing.T) {
	h := start(t, Options{})
	first, second, other := h.connect(nil), h.connect(nil), h.connect(nil)
	first.join("ana")
	second.join("ana")
	other.join("bob")
	if heard := h.Emit("ana", created("s1")); heard != 2 {
		t.Errorf("%d clients heard, want both", heard)
	}
	first.hear(created("s1"))
	second.hear(created("s1"))
	other.expectNothing()
}

func TestEmit_SaysExactlyThis(t *testing.T) {
	h := start(t, Options{})
	c := h.connect(nil)
	c.join("ana")
	h.Emit("ana", Message{Message: "User created successfully", Status: true, Code: "created", Saga: "s1"})
	c.Expect(`42["Profile_Response",{"Message":"User created successfully","Status":true,"Code":"created","Saga":"s1"}]`)
}

// Several emitters speak to several clients at once: each client hears every message once.
func TestEmit_LosesNothingWhenManyEmitAtOnce(t *testing.T) {
	const clients, emitters, messages = 8, 4, 500
	h := start(t, Options{Queue: emitters * messages})
	var listening []*wire
	for range clients {
		c := h.connect(nil)
		c.join("ana")
		listening = append(listening, c)
	}
	var all sync.WaitGroup
	for e := range emitters {
		all.Go(func() {
			for m := range messages {
				if heard := h.Emit("ana", created(fmt.Sprint(e, "-", m))); heard != clients {
					t.Errorf("%d clients were sent message %d of emitter %d", heard, m, e)
				}
			}
		})
	}
	want := make(map[string]int)
	for e := range emitters {
		for m := range messages {
			want[fmt.Sprint(e, "-", m)] = 1
		}
	}
	for _, c := range listening {
		got := make(map[string]int)
		for range emitters * messages {
			got[c.hears().Saga]++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
	all.Wait()
}

// One client does not read at all. The others hear everything meanwhile, emitting
// never waits, and the one is disconnected before much is queued for it.
func TestEmit_IsNotHeldUpByAClientThatDoesNotRead(t *testing.T) {
	const messages = 256
	h := start(t, Options{Queue: 32})
	slow, quick := h.connect(nil), h.connect(nil)
	slow.join("ana")
	quick.join("ana")
	m := created("")
	m.Message = strings.Repeat("x", 64<<10) // in all, more than the connection itself can hold
	longest := time.Duration(0)
	for i := range messages {
		m.Saga = fmt.Sprint(i)
		begun := time.Now()
		h.Emit("ana", m)
		longest = max(longest, time.Since(begun))
		quick.hear(m)
	}
	if longest > 2*time.Second {
		t.Errorf("an emit took %v", longest)
	}
	enginetest.Eventually(t, "the slow client is disconnected", func() bool { return h.Clients() == 1 })
	if !strings.Contains(h.log.String(), `"queue full"`) {
		t.Errorf("the log does not tell:\n%s", h.log)
	}
	if read, err := io.Copy(io.Discard, slow.NetConn()); read > messages*64<<10*3/4 {
		t.Errorf("the slow client was sent %d bytes, then %v", read, err)
	}
	h.Emit("ana", created("after"))
	quick.hear(created("after"))
}
