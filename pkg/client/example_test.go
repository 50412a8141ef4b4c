package client_test

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
)

func Example() {
	register := func(ctx context.Context, js jetstream.JetStream, sealPublicKey string) error {
		key, err := event.ParsePublicKey(sealPublicKey)
		if err != nil {
			return err
		}
		users := client.New(js, key, "/signup")
		saga, err := users.Request(ctx, client.Registration{
			ID: "ada", Token: "the user's JWT", Code: "739154",
			Phone: "+4915112345678", Password: "correct horse", Username: "Ada",
			Key: "signup-4711", // the same again is the same registration
		})
		if err != nil {
			return err
		}
		ended, err := users.Outcome(ctx, saga)
		if err != nil {
			return err
		}
		fmt.Println(ended.Status, ended.Message)
		return nil
	}
	_ = register // needs a NATS server: see createuser run
}
