package board

import "github.com/create-user/create-user/pkg/event"

// Listener is told when a saga changes. It must be closed.
type Listener struct {
	// Changed holds a token when a saga that is listened for has changed since the
	// last one was taken.
	Changed <-chan struct{}

	board   *Board
	changed chan struct{}
	key     event.Key
}

// Listen has the changes of one saga told.
func (b *Board) Listen(k event.Key) *Listener {
	changed := make(chan struct{}, 1)
	l := &Listener{Changed: changed, board: b, changed: changed, key: k}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hear[l] = struct{}{}
	return l
}

// Close ends the listening.
func (l *Listener) Close() {
	l.board.mu.Lock()
	defer l.board.mu.Unlock()
	delete(l.board.hear, l)
}

// tell tells whoever listens for a saga. The caller holds mu.
func (b *Board) tell(k event.Key) {
	for l := range b.hear {
		if l.key != k {
			continue
		}
		select {
		case l.changed <- struct{}{}:
		default: // one token is enough
		}
	}
}
