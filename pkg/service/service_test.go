package service_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/create-user/create-user/pkg/service"
)

func TestAll_TheFirstErrorStopsTheOthersAndWaitsForThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := errors.New("first"), errors.New("second")
		var ended []string // by one goroutine after the other: see the order below
		untilStopped := func(name string, err error, after <-chan struct{}, then chan<- struct{}) func(context.Context) error {
			return func(ctx context.Context) error {
				<-ctx.Done()
				<-after
				ended = append(ended, name)
				close(then)
				return err
			}
		}
		a, b, c := make(chan struct{}), make(chan struct{}), make(chan struct{})
		err := service.All(t.Context(),
			func(context.Context) error { return nil }, // an end without an error stops nobody
			untilStopped("late", second, b, c),
			func(context.Context) error {
				synctest.Wait() // the others run
				ended = append(ended, "failed")
				close(a)
				return first
			},
			untilStopped("early", nil, a, b),
		)
		if !errors.Is(err, first) || !errors.Is(err, second) {
			t.Errorf("All returned %v", err)
		}
		if want := []string{"failed", "early", "late"}; !slices.Equal(ended, want) {
			t.Errorf("ended: %v, want %v", ended, want)
		}
	})
}

func TestAll_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	running := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- service.All(ctx, func(ctx context.Context) error {
			close(running)
			<-ctx.Done()
			return nil
		})
	}()
	receive(t, running, "the function")
	cancel()
	if err := receive(t, ended, "All"); err != nil {
		t.Errorf("All returned %v", err)
	}
}

func TestOpen_PreparesWhatAServiceNeeds(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	vars := service.DevSecrets().With(service.Vars{
		"CREATE_USER_MODE": "development", "NATS_URL": "nats://127.0.0.1:1", "LISTEN_HOST": "0.0.0.0",
		"SAGA_BATCH": "3", "SAGA_LOOPS": "2", "SAGA_HANDLE_TIMEOUT": "1s", "SAGA_DELIVERY_LIMIT": "5", "SAGA_DEADLINE": "9s", "LOG_LEVEL": "warn",
	})
	probes := service.NewProbes()
	env, closeEnv, err := service.Open("fake", vars, &log, probes)
	if err != nil {
		t.Fatal(err)
	}
	env.Logger.Info().Msg("quiet")
	env.Logger.Warn().Msg("heard")
	if found := probes.Health.Run(t.Context()); found["nats"] == nil || !strings.HasPrefix(found["nats"].Error(), "not connected to NATS") {
		t.Errorf("the check of NATS found %v", found)
	}
	closeEnv()
	if got := env.Address(80); got != "0.0.0.0:80" {
		t.Errorf("the address is %s", got)
	}
	c := env.Saga
	if got := fmt.Sprint(c.Batch, c.Loops, c.HandleTimeout, c.DeliveryLimit, c.Deadline); got != "3 2 1s 5 9s" {
		t.Errorf("the saga's settings are %s", got)
	}
	if c.DeadLetters == nil || c.JetStream != env.JS {
		t.Error("the saga lacks what it needs")
	}
	if got := log.String(); !strings.Contains(got, `"service":"fake"`) || !strings.Contains(got, "heard") || strings.Contains(got, "quiet") {
		t.Errorf("logged: %s", got)
	}
}
