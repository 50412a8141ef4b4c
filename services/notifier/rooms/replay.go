package rooms

import (
	"slices"
	"sync"
)

// replays reads the last outcomes for sockets that have joined a room, for so many
// at once: when a notifier restarts, all its clients join again together. One that
// waits has no goroutine.
type replays struct {
	limit int
	tell  func(*socket, string)

	mu      sync.Mutex
	waiting []replay // guarded by mu; the first is the next
	running int      // guarded by mu; goroutines that tell
}

// replay is owed to a socket in the room of user id.
type replay struct {
	socket *socket
	id     string
}

// do has the calling goroutine tell r, and after it what else waits. When enough
// goroutines do so already, it leaves r to them.
func (q *replays) do(r replay) {
	for more := q.begin(r); more; r, more = q.next() {
		q.tell(r.socket, r.id)
	}
}

func (q *replays) begin(r replay) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running == q.limit {
		if len(q.waiting) == cap(q.waiting) { // rather than grow: those who have gone wait for nothing
			q.waiting = slices.DeleteFunc(q.waiting, func(r replay) bool { return r.socket.ctx.Err() != nil })
		}
		q.waiting = append(q.waiting, r)
		return false
	}
	q.running++
	return true
}

// next returns what has waited longest. Without any, the goroutine that asks has to end.
func (q *replays) next() (r replay, found bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.waiting = nil // what it has grown to is not kept
		q.running--
		return replay{}, false
	}
	r, q.waiting[0] = q.waiting[0], replay{}
	q.waiting = q.waiting[1:]
	return r, true
}
