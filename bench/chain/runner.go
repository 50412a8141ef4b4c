package chain

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
)

func startRunner(ctx context.Context, dial Dialer) (Ends, error) {
	key, err := event.ParsePublicKey(service.DevDeadLetterPublicKey)
	if err != nil {
		return Ends{}, fmt.Errorf("read the public key: %w", err)
	}
	var runs []func(context.Context) error
	for _, step := range []func(context.Context, saga.Config) error{verify, check, encrypt, write, remove} {
		conn, err := dial()
		if err != nil {
			return Ends{}, err
		}
		js, err := service.JetStream(conn)
		if err != nil {
			return Ends{}, err
		}
		config := saga.Config{JetStream: js, DeadLetters: event.NewSealer(key), Logger: zerolog.Nop()}
		runs = append(runs, func(ctx context.Context) error {
			defer conn.Close()
			return step(ctx, config)
		})
	}
	ended := make(chan error, 1)
	go func() { ended <- service.All(ctx, runs...) }()
	return Ends{
		Request: runnerRequest,
		Done:    event.SagaEvents(event.TypeCompleted),
		Wait:    func() error { return <-ended },
	}, nil
}

func runnerRequest(id string) *nats.Msg {
	data, err := json.Marshal(request(id))
	if err != nil {
		panic(err) // strings alone: it cannot fail
	}
	return &nats.Msg{Subject: event.SubjectRequested, Data: data, Header: nats.Header{event.HeaderMsgID: {id}}}
}

// each makes an event of each event, one after the other: there is nothing to wait for.
func each[In, Out event.Body](next func(saga.Event[In]) Out) saga.Handler[In, Out] {
	return saga.Each(1, func(_ context.Context, e saga.Event[In]) (Out, error) { return next(e), nil })
}

func verify(ctx context.Context, c saga.Config) error {
	return saga.Run(ctx, c, saga.Step[event.Requested, event.TokenVerified]{
		Name: event.StepTokenVerifier, Decode: event.DecodeRequested,
		Handle: each(func(e saga.Event[event.Requested]) event.TokenVerified {
			r := e.Body
			return event.TokenVerified{ID: r.ID, Code: r.Code, Sealed: sealed(e.Saga), Username: r.Username, Image: r.Image}
		}),
	})
}

func check(ctx context.Context, c saga.Config) error {
	return saga.Run(ctx, c, saga.Step[event.TokenVerified, event.CodeChecked]{
		Name: event.StepCodeChecker,
		Handle: each(func(e saga.Event[event.TokenVerified]) event.CodeChecked {
			b := e.Body
			return event.CodeChecked{ID: b.ID, Sealed: b.Sealed, Username: b.Username, Image: b.Image}
		}),
	})
}

func encrypt(ctx context.Context, c saga.Config) error {
	return saga.Run(ctx, c, saga.Step[event.CodeChecked, event.Encrypted]{
		Name: event.StepEncryptor,
		Handle: each(func(e saga.Event[event.CodeChecked]) event.Encrypted {
			const encrypted = "WiWp2M7W9EBh/3CTYsL0ERshVp19Taxbbqu+uuRqu385"
			b := e.Body
			return event.Encrypted{ID: b.ID, EncryptedPhone: encrypted, EncryptedPassword: encrypted, Username: b.Username, Image: b.Image}
		}),
	})
}

func write(ctx context.Context, c saga.Config) error {
	return saga.Run(ctx, c, saga.Step[event.Encrypted, event.Created]{
		Name: event.StepUserWriter,
		Handle: each(func(e saga.Event[event.Encrypted]) event.Created {
			return event.Created{ID: e.Body.ID, Username: e.Body.Username}
		}),
	})
}

func remove(ctx context.Context, c saga.Config) error {
	return saga.Run(ctx, c, saga.Step[event.Created, event.Ended]{
		Name: event.StepCodeDeleter,
		Handle: each(func(e saga.Event[event.Created]) event.Ended {
			return event.NewEnded(e.Body.ID, event.StepCodeDeleter, event.CodeCreated)
		}),
	})
}
