//go:build ignore

// Publishes one registration request with the SDK, which seals phone and password
// before they leave the process.
//
//	NATS_URL=nats://127.0.0.1:4222 SEAL_PUBLIC_KEY=… go run publish.go <key> '{"Id": …, "Token": …, …}'
//
// The key is the idempotency key: publish the same again, after an error too, and it
// is one registration.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("want a key and a request")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := publish(ctx, os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func publish(ctx context.Context, idempotencyKey, request string) error {
	var r client.Registration
	if err := json.Unmarshal([]byte(request), &r); err != nil {
		return err
	}
	r.Key = idempotencyKey
	sealTo, err := event.ParsePublicKey(os.Getenv("SEAL_PUBLIC_KEY"))
	if err != nil {
		return fmt.Errorf("SEAL_PUBLIC_KEY: %w", err)
	}
	conn, err := nats.Connect(os.Getenv("NATS_URL"))
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	saga, err := client.New(js, sealTo, "/example").Request(ctx, r)
	if err != nil {
		return err
	}
	fmt.Println("stored as saga", saga)
	return nil
}
