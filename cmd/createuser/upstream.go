//go:build !deployed

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/token"
	"github.com/create-user/create-user/services/code-checker/codes"
	"github.com/create-user/create-user/services/console/console"
)

// upstream plays the upstream service for the sign-up page.
type upstream struct {
	js     jetstream.JetStream
	key    event.PublicKey
	codes  *codes.Codes
	secret []byte
}

const (
	signUpTTL = time.Hour        // of a token, and of a code
	firstTime = 20 * time.Second // for the registrations that come before the wanted one
)

// signUp is one sign-up under way.
type signUp struct {
	upstream

	client       *client.Client
	registration client.Registration
	sagas        []string
}

// Token implements [console.Upstream].
func (u upstream) Token(id string) (string, error) { return u.sign(id, signUpTTL) }

func (u upstream) sign(id string, ttl time.Duration) (string, error) {
	signed, err := token.Sign(u.secret, id, ttl)
	if err != nil {
		return "", fmt.Errorf("JWT_SECRET: %w", err)
	}
	return signed, nil
}

// SignUp implements [console.Upstream].
func (u upstream) SignUp(ctx context.Context, form console.Form, want event.Code) ([]string, error) {
	signed, err := u.Token(form.ID)
	if err != nil {
		return nil, err
	}
	s := signUp{upstream: u, client: client.New(u.js, u.key, "/signup"), registration: client.Registration{
		ID: form.ID, Token: signed, Phone: form.Phone, Password: form.Password, Username: form.Username, Image: form.Image,
	}}
	if err := s.newCode(ctx); err != nil {
		return nil, err
	}
	if err := s.provoke(ctx, want); err != nil {
		return nil, err
	}
	return s.sagas, nil
}

// newCode sends the user a code, which they enter.
func (s *signUp) newCode(ctx context.Context) error {
	s.registration.Code = newCode()
	return s.codes.Store(ctx, s.registration.ID, s.registration.Code, signUpTTL)
}

// provoke publishes so that the last saga ends with the wanted code. For
// "created" that is left to fate.
func (s *signUp) provoke(ctx context.Context, want event.Code) (err error) {
	switch want {
	case event.CodeSessionExpired:
		s.registration.Token, err = s.sign(s.registration.ID, -time.Hour)
	case event.CodeIncorrect:
		s.registration.Code = wrong(s.registration.Code)
	case event.CodeLocked:
		s.registration.Code = wrong(s.registration.Code)
		err = s.before(ctx, 5)
	case event.CodeDuplicateRequest:
		err = s.before(ctx, 1)
	case event.CodeUserExists:
		if err = s.before(ctx, 1); err == nil {
			err = s.newCode(ctx)
		}
	case event.CodeInvalidRequest:
		return s.raw(ctx)
	case event.CodeEncryptionFailed:
		s.registration.Password += "\x01" // no XML document can carry it
	case event.CodeDeadlineExceeded:
		s.registration.Deadline = time.Now().Add(-time.Second)
	case event.CodeProcessingError:
		s.registration.Password = strings.Repeat("too long ", 12) // for the table, once it is encrypted
	}
	if err != nil {
		return err
	}
	return s.publish(ctx)
}

// wrong returns a code that is not the given one.
func wrong(code string) string {
	for {
		if other := newCode(); other != code {
			return other
		}
	}
}

func (s *signUp) publish(ctx context.Context) error {
	saga, err := s.client.Request(ctx, s.registration)
	if err == nil {
		s.sagas = append(s.sagas, saga)
	}
	return err
}

// before publishes n registrations and waits for the end of each.
func (s *signUp) before(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, firstTime)
	defer cancel()
	for range n {
		if err := s.publish(ctx); err != nil {
			return err
		}
		if _, err := s.client.Outcome(ctx, s.sagas[len(s.sagas)-1]); err != nil {
			return fmt.Errorf("the registration before has not ended: %w", err)
		}
	}
	return nil
}

// raw publishes a request that the SDK would refuse, as another client may.
func (s *signUp) raw(ctx context.Context) error {
	r := s.registration
	data, err := json.Marshal(map[string]string{
		"Id": r.ID, "Token": r.Token, "Code": r.Code, "Phone": r.Phone, "Password": r.Password,
		"Username": strings.Repeat("long", event.MaxUsername),
	})
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	saga := nuid.Next()
	if _, err := s.js.Publish(ctx, event.SubjectRequested, data, jetstream.WithMsgID(saga)); err != nil {
		return fmt.Errorf("publish the request: %w", err)
	}
	s.sagas = append(s.sagas, saga)
	return nil
}

// development returns what the sign-up page needs, and how to let go of it.
func (p *parts) development(ctx context.Context, t *tool) (*console.Development, func(), error) {
	own := &tool{vars: p.vars, in: t.in, out: t.out, err: t.err}
	settings, err := own.development()
	if err != nil {
		return nil, nil, err
	}
	seal, err := service.Load[sealSettings](p.vars)
	if err != nil {
		return nil, nil, err
	}
	key, err := event.ParsePublicKey(seal.PublicKey)
	if err != nil {
		return nil, nil, fmt.Errorf("SEAL_PUBLIC_KEY: %w", err)
	}
	redis, err := own.redis(ctx)
	if err != nil {
		return nil, nil, err
	}
	js, closeNATS, err := own.nats(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, redis.Close())
	}
	d := &console.Development{
		SocketURL: "http://" + service.Address(p.settings.Host, p.settings.NotifyPort),
		Upstream:  upstream{js: js, key: key, codes: codes.New(redis), secret: []byte(settings.Secret)},
	}
	if p.standin != nil {
		d.Encryption = p.standin.set
	}
	return d, func() {
		closeNATS()
		_ = redis.Close() // nothing is in flight
	}, nil
}

// consoleToken is what opens the console; one of the deployment's own is not shown.
func (p *parts) consoleToken() string {
	if p.vars["CONSOLE_TOKEN"] == service.DevConsoleToken {
		return service.DevConsoleToken
	}
	return "as set"
}
