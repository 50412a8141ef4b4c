package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/token"
	"github.com/create-user/create-user/services/code-checker/codes"
)

// developmentSettings are what the stand-ins for the upstream service need.
type developmentSettings struct {
	Mode   string `env:"CREATE_USER_MODE"`
	Secret string `env:"JWT_SECRET"`
}

// development returns the settings of a command that stands in for the
// upstream service. It fails outside development mode.
func (t *tool) development() (developmentSettings, error) {
	s, err := service.Load[developmentSettings](t.vars)
	if err == nil && s.Mode != service.ModeDevelopment {
		err = fmt.Errorf("%s is %q: codes and tokens are made here in development only", modeVariable, s.Mode)
	}
	return s, err
}

type codeCommand struct {
	ID   string        `arg:"" name:"id" help:"The user's Id."`
	Code string        `help:"The code to store. Default: six random digits."`
	TTL  time.Duration `default:"10m" help:"How long the code can be used."`
}

// Run stores a code and prints it.
func (c codeCommand) Run(ctx context.Context, t *tool) error {
	if _, err := t.development(); err != nil {
		return err
	}
	if c.Code == "" {
		c.Code = newCode()
	}
	client, err := t.redis(ctx)
	if err != nil {
		return err
	}
	err = codes.New(client).Store(ctx, c.ID, c.Code, c.TTL)
	if err := errors.Join(err, client.Close()); err != nil {
		return err
	}
	return t.printf("%s\n", c.Code)
}

// newCode returns six random digits.
func newCode() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return fmt.Sprintf("%06d", n)
}

type tokenCommand struct {
	ID  string        `arg:"" name:"id" help:"The user's Id."`
	TTL time.Duration `default:"1h" help:"How long the token is valid. Negative: expired already."`
}

// Run prints a signed token.
func (c tokenCommand) Run(t *tool) error {
	settings, err := t.development()
	if err != nil {
		return err
	}
	signed, err := token.Sign([]byte(settings.Secret), c.ID, c.TTL)
	if err != nil {
		return fmt.Errorf("JWT_SECRET: %w", err)
	}
	return t.printf("%s\n", signed)
}

type sampleCommand struct {
	Count     int           `arg:"" help:"How many requests."`
	Prefix    string        `default:"sample-" help:"What their Ids begin with."`
	ImageSize int           `default:"1024" help:"Size of each image in bytes."`
	TTL       time.Duration `default:"1h" help:"How long codes and tokens can be used."`
}

// Run writes requests as NDJSON and stores their codes.
func (c sampleCommand) Run(ctx context.Context, t *tool) error {
	settings, err := t.development()
	if err != nil {
		return err
	}
	if c.Count < 1 || c.ImageSize < 0 || c.ImageSize > event.MaxImage {
		return fmt.Errorf("want a count of at least 1 and an --image-size of 0 to %d", event.MaxImage)
	}
	client, err := t.redis(ctx)
	if err != nil {
		return err
	}
	return errors.Join(c.write(ctx, t, codes.New(client), []byte(settings.Secret)), client.Close())
}

func (c sampleCommand) write(ctx context.Context, t *tool, store *codes.Codes, secret []byte) error {
	out := json.NewEncoder(t.out)
	image := strings.Repeat("i", c.ImageSize)
	for i := range c.Count {
		l := line{
			ID: fmt.Sprintf("%s%d", c.Prefix, i+1), Code: newCode(), Phone: fmt.Sprintf("+49151%08d", i),
			Password: fmt.Sprintf("pass-%d-%s", i, newCode()), Username: fmt.Sprintf("Sample %d", i+1), Image: image,
		}
		var err error
		if l.Token, err = token.Sign(secret, l.ID, c.TTL); err != nil {
			return fmt.Errorf("JWT_SECRET: %w", err)
		}
		if err := store.Store(ctx, l.ID, l.Code, c.TTL); err != nil {
			return err
		}
		if err := out.Encode(l); err != nil {
			return fmt.Errorf("write request %d: %w", i+1, err)
		}
	}
	return nil
}
