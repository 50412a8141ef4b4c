package rooms

import (
	"errors"
	"slices"
	"sync"
)

// errGone and errTooMany refuse a reservation.
var (
	errGone    = errors.New("the client has gone")
	errTooMany = errors.New("too many rooms")
)

// registry knows which socket is in which room. It alone changes membership, and
// only under its mutex, so that no join, leave or emit can see half of another.
// The mutex is the last one taken: nothing is called while it is held.
type registry struct {
	limit int // rooms of one socket, those that it is about to join included

	mu      sync.Mutex
	rooms   map[string][]*socket    // guarded by mu; by the user's id; never empty; a list, as most hold one socket
	sockets map[*socket]*membership // guarded by mu; every connected socket
}

// membership is what the registry knows of one socket. Guarded by the registry's mutex.
type membership struct {
	rooms   map[string]bool // by the user's id; true when the room's last outcome need not be read again
	pending int             // joins that are being authorised
}

func newRegistry(limit int) registry {
	return registry{
		limit:   limit,
		rooms:   make(map[string][]*socket),
		sockets: make(map[*socket]*membership),
	}
}

// enter makes a socket known, without any room.
func (r *registry) enter(s *socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sockets[s] = &membership{}
}

// leave forgets a socket and takes it out of its rooms. Later calls do nothing.
func (r *registry) leave(s *socket) (left bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, left := r.sockets[s]
	if !left {
		return false
	}
	delete(r.sockets, s)
	for id := range m.rooms {
		r.remove(s, id)
	}
	return true
}

// remove takes a socket out of a room. It is called with mu held.
func (r *registry) remove(s *socket, id string) {
	members := r.rooms[id]
	if len(members) == 1 {
		delete(r.rooms, id)
		return
	}
	i, last := slices.Index(members, s), len(members)-1
	members[i], members[last] = members[last], nil
	r.rooms[id] = members[:last]
}

// reserve lets a socket try to join a room. Without an error and unless it is
// settled, join or release must follow. A room is settled when the socket is in it
// and has its last outcome, or is about to.
func (r *registry) reserve(s *socket, id string) (settled bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.sockets[s]
	if m == nil {
		return false, errGone
	}
	settled, member := m.rooms[id]
	if settled {
		return true, nil
	}
	if m.pending >= r.limit || !member && len(m.rooms)+m.pending >= r.limit {
		return false, errTooMany
	}
	m.pending++
	return false, nil
}

// release gives up what reserve allowed.
func (r *registry) release(s *socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.sockets[s]; m != nil {
		m.pending--
	}
}

// join puts a socket that has reserved it into a room, which is settled then. It
// reports false when the socket has left meanwhile.
func (r *registry) join(s *socket, id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.sockets[s]
	if m == nil {
		return false
	}
	m.pending--
	if m.rooms == nil {
		m.rooms = make(map[string]bool, 1)
	}
	if _, member := m.rooms[id]; !member {
		r.rooms[id] = append(r.rooms[id], s)
	}
	m.rooms[id] = true
	return true
}

// unsettle has the next joinRoom of a socket that is in a room read its last
// outcome, since that could not be read now.
func (r *registry) unsettle(s *socket, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.sockets[s]; m != nil {
		m.rooms[id] = false
	}
}

// members lists the sockets in a room.
func (r *registry) members(id string) []*socket {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.rooms[id])
}

func (r *registry) clients() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sockets)
}
