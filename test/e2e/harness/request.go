package harness

import (
	"cmp"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/token"
)

// Request is a request as any upstream service may publish it.
type Request map[string]any

// Pixel is an image.
const Pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="

// UserName is the name of every user who is not refused for it.
const UserName = "Ada Lovelace"

// FaultyPhone is a phone for which the encryption service answers with a fault.
const FaultyPhone = "+49151000FAULT"

// ValidRequest stores a code for the Id and returns a request that must succeed.
func (s *System) ValidRequest(id string) Request {
	s.T.Helper()
	s.StoreCode(id, "123456")
	return Request{
		"Id": id, "Token": s.Token(id), "Code": "123456", "Phone": "+4915112345678",
		"Password": "correct horse battery", "Username": UserName, "Image": Pixel,
	}
}

// With returns a copy of r with one field changed.
func (r Request) With(field string, value any) Request {
	c := Request{field: value}
	for name, v := range r {
		if name != field {
			c[name] = v
		}
	}
	return c
}

// JSON returns r as it is published.
func (r Request) JSON(t testing.TB) []byte {
	t.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// Token returns a valid token for an Id.
func (s *System) Token(id string) string {
	s.T.Helper()
	signed, err := token.Sign([]byte(service.DevJWTSecret), id, time.Hour)
	if err != nil {
		s.T.Fatal(err)
	}
	return signed
}

// StoreCode stores a code as its issuer would.
func (s *System) StoreCode(id, code string) {
	s.T.Helper()
	if err := s.Redis.Set(s.T.Context(), id, code, 10*time.Minute).Err(); err != nil {
		s.T.Fatal(err)
	}
}

// Code returns the code that is stored for an Id, "" if none is.
func (s *System) Code(id string) string {
	s.T.Helper()
	code, err := s.Redis.Get(s.T.Context(), id).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		s.T.Fatal(err)
	}
	return code
}

// Publish publishes r as plain JSON, without any header but the message id when
// one is given. It returns the saga's key, with any saga of the user when the
// id is left to the system.
func (s *System) Publish(r Request, msgID string) event.Key {
	s.T.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		s.T.Fatal(err)
	}
	s.PublishRaw(body, msgID)
	id, _ := r["Id"].(string)
	return event.Key{User: event.UserHash(id), Saga: cmp.Or(msgID, "*")}
}

// PublishRaw publishes any bytes as a request.
func (s *System) PublishRaw(body []byte, msgID string) {
	s.T.Helper()
	msg := nats.NewMsg(event.SubjectRequested)
	msg.Data = body
	var options []jetstream.PublishOpt
	if msgID != "" {
		options = append(options, jetstream.WithMsgID(msgID))
	}
	if _, err := s.JS.PublishMsg(s.T.Context(), msg, options...); err != nil {
		s.T.Fatalf("publish: %v", err)
	}
}

// PublishWithDeadline is publish with a deadline that is in from now.
func (s *System) PublishWithDeadline(r Request, msgID string, in time.Duration) {
	s.T.Helper()
	msg := nats.NewMsg(event.SubjectRequested)
	msg.Data = r.JSON(s.T)
	msg.Header.Set(event.HeaderMsgID, msgID)
	msg.Header[event.HeaderDeadline] = []string{time.Now().Add(in).UTC().Format(time.RFC3339Nano)}
	if _, err := s.JS.PublishMsg(s.T.Context(), msg); err != nil {
		s.T.Fatalf("publish: %v", err)
	}
}
