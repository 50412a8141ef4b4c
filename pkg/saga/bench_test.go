package saga_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

// BenchmarkStep measures one empty step over events that wait for it.
func BenchmarkStep(b *testing.B) { benchmarkStep(b, quiet) }

func benchmarkStep(b *testing.B, change ...func(*saga.Config)) {
	b.Helper()
	s := sagatest.New(b, event.StepCodeChecker)
	done := arrivals(b, s, event.TypeCodeChecked)
	data := encode(b, verified("ada"))
	for i := range b.N {
		k := event.Key{User: event.UserHash("ada"), Saga: fmt.Sprintf("m-%d", i)}
		meta := event.Meta{
			ID: k.Saga, Source: "/bench", Type: event.TypeTokenVerified, Time: time.Now(),
			Saga: k.Saga, Deadline: time.Now().Add(time.Hour),
		}
		publishAsync(b, s, &nats.Msg{Subject: k.Subject(event.TypeTokenVerified), Header: meta.Header(), Data: data})
	}
	<-s.JS().PublishAsyncComplete()
	b.ResetTimer()
	sagatest.Run(s, checking(func(context.Context, taken) error { return nil }), change...)
	for range b.N {
		<-done
	}
	report(b)
}

// BenchmarkChain measures five empty steps, with a thousand sagas in flight, as
// the bare chain of FACTS was measured.
func BenchmarkChain(b *testing.B) {
	s := sagatest.New(b)
	done := arrivals(b, s, event.TypeCompleted)
	runPath(s, func() {}, quiet)
	data := encode(b, request("ada"))
	b.ResetTimer()
	const inFlight = 1000
	for i := range b.N {
		if i >= inFlight {
			<-done
		}
		publishAsync(b, s, &nats.Msg{
			Subject: event.SubjectRequested, Data: data,
			Header: nats.Header{event.HeaderMsgID: {fmt.Sprintf("m-%d", i)}},
		})
	}
	for range min(b.N, inFlight) {
		<-done
	}
	report(b)
}

func quiet(c *saga.Config) { c.Logger = zerolog.Nop() }

func report(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sagas/s")
	b.StopTimer()
}

// arrivals signals every event of a type.
func arrivals(b *testing.B, s *sagatest.Server, t event.Type) <-chan struct{} {
	b.Helper()
	conn, _ := s.Connect()
	done := make(chan struct{}, b.N+1)
	sub, err := conn.Subscribe(event.SagaEvents(t), func(*nats.Msg) { done <- struct{}{} })
	if err != nil {
		b.Fatal(err)
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		b.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		b.Fatal(err)
	}
	return done
}

func publishAsync(b *testing.B, s *sagatest.Server, msg *nats.Msg) {
	b.Helper()
	if _, err := s.JS().PublishMsgAsync(msg); err != nil {
		b.Fatal(err)
	}
}

func encode(b *testing.B, body event.Body) []byte {
	b.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	return data
}
