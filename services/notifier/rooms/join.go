package rooms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// suffix follows the user's Id in the name of a room.
const suffix = "_Create_User"

// Name returns the name of the room of user id.
func Name(id string) string { return id + suffix }

// What a client hears when it cannot join a room. Nothing that it sent is in it.
var (
	errRoomType  = errors.New("the room must be a string")
	errRoomName  = errors.New("the room must be <Id>" + suffix)
	errRoomLong  = errors.New("the room's name is too long")
	errForbidden = errors.New("not allowed to join this room")
	errClosing   = errors.New("the server is closing")
)

// errPanicked stands for a panic of Authorize or Last, whose text might hold anything.
var errPanicked = errors.New("panicked")

// joinRoom serves a client's joinRoom. What takes time is done in a goroutine of
// its own, so that the client's other packets, its pongs above all, are not kept waiting.
func (srv *Server) joinRoom(s *socket, args []json.RawMessage, ack string) {
	id, err := srv.roomID(args)
	if err != nil {
		s.answer(ack, err)
		return
	}
	settled, err := srv.registry.reserve(s, id)
	if settled || err != nil {
		s.answer(ack, err)
		return
	}
	if !srv.begin() {
		srv.registry.release(s)
		s.answer(ack, errClosing)
		return
	}
	go func() {
		defer srv.joins.Done()
		srv.join(s, id, ack)
	}()
}

// roomID reads the Id that a room belongs to from the arguments of joinRoom.
func (srv *Server) roomID(args []json.RawMessage) (string, error) {
	if len(args) == 0 {
		return "", errRoomType
	}
	if len(args[0]) > 6*srv.opts.MaxRoom+2 { // the longest that JSON makes of it
		return "", errRoomLong
	}
	name, ok := text(args[0])
	if !ok {
		return "", errRoomType
	}
	if len(name) > srv.opts.MaxRoom {
		return "", errRoomLong
	}
	id, found := strings.CutSuffix(name, suffix)
	if !found || id == "" {
		return "", errRoomName
	}
	return id, nil
}

// join makes a socket that has reserved it a member of a room, and then tells it
// the room's last outcome.
func (srv *Server) join(s *socket, id, ack string) {
	if err := srv.authorize(s, id); err != nil {
		srv.registry.release(s)
		srv.log.Debug().Str("client", s.id).Err(err).Msg("joinRoom refused")
		s.answer(ack, errForbidden)
		return
	}
	if !srv.registry.join(s, id) {
		return
	}
	s.answer(ack, nil)
	srv.replays.do(replay{s, id})
}

// authorize asks whether a client may join a room, until somebody can tell.
func (srv *Server) authorize(s *socket, id string) error {
	if srv.opts.Authorize == nil {
		return nil
	}
	ask := func() error {
		ctx, cancel := context.WithTimeout(s.ctx, srv.opts.CallTimeout)
		defer cancel()
		return guard(func() error { return srv.opts.Authorize(ctx, s.token, id) })
	}
	err := ask()
	for again := srv.opts.Retry; errors.Is(err, ErrUnavailable) && s.ctx.Err() == nil; again = min(2*again, lastRetry) {
		select {
		case <-time.After(again):
		case <-s.ctx.Done():
			return err
		}
		err = ask()
	}
	return err
}

// lastRetry is the longest pause before Authorize or Last is asked again.
const lastRetry = 2 * time.Second

// replay tells a socket that has become a member of a room its last outcome. While
// nobody can tell it, the others that wait would hear nothing either, so it waits on.
func (srv *Server) replay(s *socket, id string) {
	if s.ctx.Err() != nil {
		return // it has gone while it waited
	}
	err := srv.tryReplay(s, id)
	if err == nil {
		return
	}
	srv.registry.unsettle(s, id)
	if s.ctx.Err() == nil {
		srv.log.Warn().Str("client", s.id).Err(err).Msg("the last outcome could not be replayed; the client hears what is emitted from now on")
	}
}

func (srv *Server) tryReplay(s *socket, id string) error {
	if srv.opts.Last == nil {
		return nil
	}
	pause, away, failed := srv.opts.Retry, 0, 0
	for {
		seen := s.emitted()
		m, found, err := srv.last(s.ctx, id)
		if err == nil && (!found || s.replay(m.Saga, profileResponse(m), seen)) {
			return nil
		}
		if err == nil {
			err = errors.New("outcomes were emitted each time it was read")
		}
		if errors.Is(err, ErrUnavailable) {
			if away++; away == tries {
				srv.log.Warn().Str("client", s.id).Err(err).Msg("the last outcome cannot be replayed yet")
			}
		} else if failed++; failed == tries {
			return err
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, lastRetry)
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
}

// last calls Last, which may take so long, and may panic.
func (srv *Server) last(ctx context.Context, id string) (m Message, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, srv.opts.CallTimeout)
	defer cancel()
	err = guard(func() error {
		m, found, err = srv.opts.Last(ctx, id)
		return err
	})
	if err != nil {
		return Message{}, false, fmt.Errorf("read the last outcome: %w", err)
	}
	return m, found, nil
}

// guard makes a panic an error: what one client sent must not end the process.
func guard(call func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanicked
		}
	}()
	return call()
}
