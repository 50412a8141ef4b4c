package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/time/rate"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
)

type submitCommand struct {
	ID       string `name:"id" help:"The user's Id."`
	Token    string `help:"The user's token (createuser token <Id>)."`
	Code     string `help:"The verification code (createuser code <Id>)."`
	Phone    string `help:"The phone number."`
	Password string `help:"The password. In a shell's history it is readable by others: a file is better for real ones."`
	Username string `help:"The user's name."`
	Image    string `help:"The image: any text, usually a data URL."`
	Key      string `help:"Idempotency key: the saga's id. The same key again is the same registration."`

	File        string        `short:"f" help:"Requests from a file, or - for standard input: NDJSON, or CSV with a header line. Fields: Id, Token, Code, Phone, Password, Username, Image, Key."`
	Format      string        `enum:"auto,ndjson,csv" default:"auto" help:"Format of the file: auto, ndjson or csv. Auto goes by the name, else by the first character."`
	Rate        float64       `default:"0" help:"Requests a second at most. 0: as fast as they are stored."`
	Concurrency int           `default:"64" help:"Requests in flight at once."`
	NoWait      bool          `help:"Do not wait for the outcomes."`
	Timeout     time.Duration `default:"3m" help:"How long to wait for outcomes after the last request was stored."`
}

// sealSettings is what a publisher needs.
type sealSettings struct {
	PublicKey string `env:"SEAL_PUBLIC_KEY,required" help:"the encryptor's public key"`
}

// Run submits the requests, waits for their outcomes, and prints a summary.
func (c submitCommand) Run(ctx context.Context, t *tool) error {
	if err := c.validate(); err != nil {
		return err
	}
	js, closeNATS, err := t.nats(ctx)
	if err != nil {
		return err
	}
	defer closeNATS()
	if !c.NoWait {
		if err := expectEvents(ctx, js); err != nil {
			return err
		}
	}
	settings, err := service.Load[sealSettings](t.vars)
	if err != nil {
		return err
	}
	key, err := event.ParsePublicKey(settings.PublicKey)
	if err != nil {
		return fmt.Errorf("SEAL_PUBLIC_KEY: %w", err)
	}
	requests, total, closeFile, err := c.requests(t.in)
	if err != nil {
		return err
	}
	defer closeFile()
	s := submission{command: c, tool: t, client: client.New(js, key, "/createuser/submit"), store: saga.NewStore(js), total: total}
	return s.run(ctx, requests)
}

// maxConcurrency bounds how many requests are in flight at once.
const maxConcurrency = 4096

func (c submitCommand) validate() error {
	one := c.ID != "" || c.Token != "" || c.Code != "" || c.Phone != "" || c.Password != "" || c.Username != "" || c.Image != "" || c.Key != ""
	switch {
	case one && c.File != "":
		return errors.New("give either --file or the flags of one request, not both")
	case !one && c.File == "":
		return errors.New("nothing to submit: give --file, or --id, --token, --code, --phone, --password and --username")
	case c.Concurrency < 1 || c.Concurrency > maxConcurrency:
		return fmt.Errorf("--concurrency: want 1 to %d", maxConcurrency)
	case !(c.Rate >= 0): // nor is it a number otherwise
		return errors.New("--rate: want 0 or more")
	}
	return nil
}

// requests returns what is to be submitted, and its size in requests or -1.
func (c submitCommand) requests(in io.Reader) (source, int, func(), error) {
	if c.File == "" {
		return oneOf(client.Registration{
			ID: c.ID, Token: c.Token, Code: c.Code, Phone: c.Phone, Password: c.Password,
			Username: c.Username, Image: c.Image, Key: c.Key,
		}), 1, func() {}, nil
	}
	if c.File == "-" {
		s, err := readRequests(in, "", c.Format)
		return s, -1, func() {}, err
	}
	file, err := os.Open(c.File)
	if err != nil {
		return nil, 0, nil, fmt.Errorf("--file: %w", err)
	}
	s, err := readRequests(file, c.File, c.Format)
	if err != nil {
		return nil, 0, nil, errors.Join(err, file.Close())
	}
	return s, -1, func() { _ = file.Close() }, nil // read only
}

// submission is one run of the command.
type submission struct {
	command submitCommand
	tool    *tool
	client  *client.Client
	store   *saga.Store
	total   int

	outcomes *outcomes
	bar      *progressbar.ProgressBar

	mu     sync.Mutex
	stored int     // requests that the inbox acknowledged; guarded by mu
	last   string  // the saga of the last of them; guarded by mu
	failed []error // why others could not be published; guarded by mu
}

// maxShown bounds how many errors the summary prints.
const maxShown = 10

// run submits beside a follower of the outcomes, which ends with it.
func (s *submission) run(ctx context.Context, requests source) error {
	if s.command.NoWait {
		return s.submit(ctx, requests)
	}
	s.outcomes = newOutcomes()
	ready := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return service.All(ctx,
		func(ctx context.Context) error { return s.outcomes.follow(ctx, s.store, ready) },
		func(ctx context.Context) error {
			defer cancel()
			select {
			case <-ready:
			case <-ctx.Done():
				return ctx.Err()
			}
			return s.submit(ctx, requests)
		},
	)
}

func (s *submission) submit(ctx context.Context, requests source) error {
	begun := time.Now()
	s.bar = s.tool.bar(s.total, "submitting", progressbar.OptionShowIts(), progressbar.OptionSetItsString("requests"))
	s.publishAll(ctx, requests)
	_ = s.bar.Finish() // a bar that cannot be drawn hurts nobody
	waitErr := s.wait(ctx)
	return errors.Join(s.summary(time.Since(begun)), waitErr, ctx.Err())
}

// publishAll publishes every request, several at once, within the rate.
func (s *submission) publishAll(ctx context.Context, requests source) {
	limit := rate.NewLimiter(rate.Inf, 1)
	if s.command.Rate > 0 {
		limit.SetLimit(rate.Limit(s.command.Rate))
	}
	queue := make(chan request)
	var publishing sync.WaitGroup
	for range s.command.Concurrency {
		publishing.Go(func() {
			for r := range queue {
				s.publish(ctx, r)
			}
		})
	}
	for r, err := range requests {
		if err != nil {
			s.note("", err)
			continue
		}
		if limit.Wait(ctx) != nil {
			break // stopped
		}
		queue <- r
	}
	close(queue)
	publishing.Wait()
}

func (s *submission) publish(ctx context.Context, r request) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	sagaID, err := s.client.Request(ctx, r.Registration)
	if err != nil && r.line > 0 {
		err = fmt.Errorf("line %d: %w", r.line, err)
	}
	s.note(sagaID, err)
	if err != nil || s.outcomes == nil || r.Key == "" {
		return
	}
	// A request with a key of its own may be a repetition whose saga has ended.
	last, err := s.store.Last(ctx, event.Key{User: event.UserHash(r.ID), Saga: sagaID})
	if err != nil || !last.Type.Terminal() {
		return
	}
	var body event.Ended
	if json.Unmarshal(last.Data, &body) == nil {
		s.outcomes.settle(sagaID, body.Code)
	}
}

// note counts one request.
func (s *submission) note(sagaID string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.bar.Add(1)
	if err != nil {
		s.failed = append(s.failed, err)
		return
	}
	s.stored++
	s.last = sagaID
	if s.outcomes != nil {
		s.outcomes.expect(sagaID)
	}
}

// wait waits until every stored request has its outcome.
func (s *submission) wait(ctx context.Context) error {
	if s.outcomes == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.command.Timeout)
	defer cancel()
	if missing := s.outcomes.wait(ctx, s.tool); missing > 0 {
		return fmt.Errorf("%d outcomes have not come (--timeout %s): see \"createuser watch <saga>\"", missing, s.command.Timeout)
	}
	return nil
}

// summary prints what became of the requests. It fails if any could not be
// published.
func (s *submission) summary(took time.Duration) error {
	err := s.tool.printf("%d stored, %d not published, in %s\n", s.stored, len(s.failed), took.Round(time.Millisecond))
	if s.total == 1 && s.stored == 1 {
		err = errors.Join(err, s.tool.printf("saga %s\n", s.last))
	}
	if err != nil {
		return err
	}
	if s.outcomes != nil {
		if err := s.outcomes.print(s.tool); err != nil {
			return err
		}
	}
	if len(s.failed) == 0 {
		return nil
	}
	shown := s.failed[:min(len(s.failed), maxShown)]
	return fmt.Errorf("%d of %d requests could not be published; the first: %w", len(s.failed), s.stored+len(s.failed), errors.Join(shown...))
}
