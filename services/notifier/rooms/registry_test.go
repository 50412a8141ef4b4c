package rooms

import (
	"errors"
	"sync"
	"testing"
)

// Many pairs of sockets meet in one room, one leaving while the other joins, with
// the room becoming empty or not in between. The one that joined must be a member.
func TestRegistry_AJoinIsNotLostToALeave(t *testing.T) {
	const workers, rounds = 4, 15_000
	r := newRegistry(8)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range rounds {
				raceJoinWithLeave(t, &r)
			}
		})
	}
	all.Wait()
	if len(r.rooms) != 0 || len(r.sockets) != 0 {
		t.Errorf("%d rooms and %d sockets are left of nobody", len(r.rooms), len(r.sockets))
	}
}

func raceJoinWithLeave(t *testing.T, r *registry) {
	leaver, joiner := new(socket), new(socket)
	r.enter(leaver)
	r.enter(joiner)
	mustJoin(t, r, leaver, "u")
	ready, left := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		<-ready
		r.leave(leaver)
	}()
	close(ready)
	mustJoin(t, r, joiner, "u")
	<-left
	found := false
	for _, s := range r.members("u") {
		found = found || s == joiner
		if s == leaver {
			t.Error("who left is still a member")
		}
	}
	if !found {
		t.Error("a join was lost")
	}
	r.leave(joiner)
}

func mustJoin(t *testing.T, r *registry, s *socket, id string) {
	if settled, err := r.reserve(s, id); settled || err != nil {
		t.Errorf("reserve: settled %v, %v", settled, err)
	}
	if !r.join(s, id) {
		t.Error("join: the socket is said to have left")
	}
}

// A socket's own leave meets its own join: whichever is first, no trace is left.
func TestRegistry_WhoHasLeftCannotJoin(t *testing.T) {
	r := newRegistry(8)
	for range 20_000 {
		s := new(socket)
		r.enter(s)
		if _, err := r.reserve(s, "u"); err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		both.Go(func() { r.leave(s) })
		both.Go(func() { r.join(s, "u") })
		both.Wait()
		if n := len(r.members("u")); n != 0 {
			t.Fatalf("%d members are left of nobody", n)
		}
	}
}

func TestRegistry_LeavingTwiceIsLeavingOnce(t *testing.T) {
	r := newRegistry(8)
	first, second := new(socket), new(socket)
	r.enter(first)
	r.enter(second)
	mustJoin(t, &r, first, "u")
	mustJoin(t, &r, second, "u")
	if !r.leave(first) || r.leave(first) {
		t.Error("only the first leave is one")
	}
	if len(r.members("u")) != 1 || r.clients() != 1 {
		t.Errorf("%d members and %d clients are left, want one", len(r.members("u")), r.clients())
	}
	if _, err := r.reserve(first, "u"); !errors.Is(err, errGone) {
		t.Errorf("who has left may join: %v", err)
	}
}

func TestRegistry_BoundsTheRoomsOfASocket(t *testing.T) {
	r := newRegistry(2)
	s := new(socket)
	r.enter(s)
	mustJoin(t, &r, s, "a")
	if _, err := r.reserve(s, "b"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.reserve(s, "c"); !errors.Is(err, errTooMany) {
		t.Errorf("a room and a reservation fill the bound of two; the third got %v", err)
	}
	if settled, err := r.reserve(s, "a"); !settled || err != nil {
		t.Errorf("a room that it is in: settled %v, %v", settled, err)
	}
	r.release(s)
	if _, err := r.reserve(s, "c"); err != nil {
		t.Errorf("after a release: %v", err)
	}
	r.unsettle(s, "a")
	r.release(s)
	if settled, err := r.reserve(s, "a"); settled || err != nil {
		t.Errorf("a room without its last outcome: settled %v, %v", settled, err)
	}
}
