package system

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/test/chaos/invariants"
)

// StoreCode stores a code for an Id, as its issuer does.
func (s *System) StoreCode(ctx context.Context, id, code string) error {
	if err := s.redis.Set(ctx, id, code, time.Hour).Err(); err != nil {
		return fmt.Errorf("store a code: %w", err)
	}
	return nil
}

// StoreCodes stores many codes, by Id, as [System.StoreCode] does one.
func (s *System) StoreCodes(ctx context.Context, codes map[string]string) error {
	for some := range slices.Chunk(slices.Collect(maps.Keys(codes)), keysAtOnce) {
		_, err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, id := range some {
				p.Set(ctx, id, codes[id], time.Hour)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("store the codes: %w", err)
		}
	}
	return nil
}

// Quiet reports whether no saga is open: the inbox is empty, and every step has
// settled every event. While NATS cannot say, it is an error.
func (s *System) Quiet(ctx context.Context) (bool, error) {
	inbox, err := s.direct.Stream(ctx, event.StreamRequests)
	if err != nil {
		return false, fmt.Errorf("look at the inbox: %w", err)
	}
	if inbox.CachedInfo().State.Msgs > 0 {
		return false, nil
	}
	for _, step := range event.Path()[1:] {
		if step.Name == event.StepNotifier {
			continue // it has no durable consumer
		}
		consumer, err := s.direct.Consumer(ctx, event.StreamEvents, step.Name)
		if err != nil {
			return false, fmt.Errorf("look at step %s: %w", step.Name, err)
		}
		if info := consumer.CachedInfo(); info.NumPending > 0 || info.NumAckPending > 0 {
			return false, nil
		}
	}
	return true, nil
}

// Facts collects all that can be seen of the system, and when each event was stored.
func (s *System) Facts(ctx context.Context, registrations []invariants.Registration) (invariants.Facts, []time.Time, error) {
	f := invariants.Facts{Registrations: registrations}
	if s.Clients != nil {
		f.Heard = s.Clients.Heard()
	}
	var times []time.Time
	err := s.each(ctx, event.StreamEvents, func(msg jetstream.Msg, info *jetstream.MsgMetadata) error {
		t, k, err := event.ParseSubject(msg.Subject())
		f.Events = append(f.Events, invariants.Event{Key: k, Type: t, Sequence: info.Sequence.Stream, Data: msg.Data()})
		times = append(times, info.Timestamp)
		return err
	})
	if err == nil {
		err = s.each(ctx, event.StreamDeadLetters, func(msg jetstream.Msg, _ *jetstream.MsgMetadata) error {
			var l event.DeadLetter
			err := json.Unmarshal(msg.Data(), &l)
			f.DeadLetters = append(f.DeadLetters, l)
			return err
		})
	}
	if err != nil {
		return f, nil, err
	}
	if f.Rows, err = s.rows(ctx); err != nil {
		return f, nil, err
	}
	f.Codes, f.Claims, err = s.codes(ctx, registrations)
	return f, times, err
}

// each reads a stream from its beginning to its present end.
func (s *System) each(ctx context.Context, stream string, use func(jetstream.Msg, *jetstream.MsgMetadata) error) error {
	consumer, err := s.direct.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	left := consumer.CachedInfo().NumPending
	if left == 0 {
		return nil
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(512))
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	defer messages.Stop()
	for ; left > 0; left-- {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("read stream %s: %w", stream, err)
		}
		info, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read stream %s: %w", stream, err)
		}
		if err := use(msg, info); err != nil {
			return fmt.Errorf("read stream %s: message %d: %w", stream, info.Sequence.Stream, err)
		}
	}
	return nil
}

func (s *System) rows(ctx context.Context) (map[string]invariants.Row, error) {
	rows, err := s.users.QueryContext(ctx, "SELECT Id, Phone, Password, Name, Image FROM Users")
	if err != nil {
		return nil, fmt.Errorf("read the users: %w", err)
	}
	defer func() { _ = rows.Close() }()
	all := map[string]invariants.Row{}
	for rows.Next() {
		var id string
		var r invariants.Row
		if err := rows.Scan(&id, &r.Phone, &r.Password, &r.Name, &r.Image); err != nil {
			return nil, fmt.Errorf("read the users: %w", err)
		}
		all[id] = r
	}
	return all, rows.Err()
}

// codes reads the codes that stand and the claims that are held.
func (s *System) codes(ctx context.Context, registrations []invariants.Registration) (codes, claims map[string]string, err error) {
	codes, claims = map[string]string{}, map[string]string{}
	for some := range slices.Chunk(registrations, keysAtOnce) {
		for found, key := range map[*map[string]string]func(id string) string{
			&codes:  func(id string) string { return id },
			&claims: func(id string) string { return "create-user:claim:{" + id + "}" },
		} {
			keys := make([]string, len(some))
			for i, r := range some {
				keys[i] = key(r.ID)
			}
			values, err := s.redis.MGet(ctx, keys...).Result()
			if err != nil {
				return nil, nil, fmt.Errorf("read the codes: %w", err)
			}
			for i, r := range some {
				if value, stands := values[i].(string); stands {
					(*found)[r.ID] = value
				}
			}
		}
	}
	return codes, claims, nil
}

// keysAtOnce is how many keys of Redis are read or written together.
const keysAtOnce = 500

// Fill lowers the limit of a stream to what it holds, so that it refuses more.
func (s *System) Fill(ctx context.Context, stream string) error {
	return s.limit(ctx, stream, func(info *jetstream.StreamInfo) int64 { return max(1, int64(info.State.Bytes)) })
}

// Empty gives a stream its declared limit again.
func (s *System) Empty(ctx context.Context, stream string) error {
	declared, err := declaredLimit(stream)
	if err != nil {
		return err
	}
	return s.limit(ctx, stream, func(*jetstream.StreamInfo) int64 { return declared })
}

func (s *System) limit(ctx context.Context, stream string, limit func(*jetstream.StreamInfo) int64) error {
	have, err := s.direct.Stream(ctx, stream)
	if err != nil {
		return fmt.Errorf("limit stream %s: %w", stream, err)
	}
	config := have.CachedInfo().Config
	config.MaxBytes = limit(have.CachedInfo())
	if _, err := s.direct.UpdateStream(ctx, config); err != nil {
		return fmt.Errorf("limit stream %s: %w", stream, err)
	}
	return nil
}
