package power_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/streams"
	"github.com/create-user/create-user/test/chaos/system"
)

// patience is how long an append may wait for its turn: with a disk that flushes
// each, longer than the client library's 200 ms.
const patience = time.Minute

// BenchmarkAppend measures what it costs to lose nothing at a power failure: first
// events of sagas, 300 bytes each, appended with the expectation that every writer
// states, by one client with 1,024 of them under way, to one server on a real disk.
func BenchmarkAppend(b *testing.B) {
	binary, err := system.BuildNATS(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for _, sync := range []string{"2m", "1s", "100ms", "always"} {
		b.Run("sync_interval="+sync, func(b *testing.B) {
			s := &site{t: b, binary: binary, sync: sync, clients: []string{freeAddr(b)}}
			s.start(0, b.TempDir())
			defer s.kill()
			s.eventually("declare the streams", func(ctx context.Context, js jetstream.JetStream) error {
				_, err := streams.Apply(ctx, js, streams.Options{})
				return err
			})
			js, err := jetstream.New(s.connect().Conn(), jetstream.WithPublishAsyncMaxPending(1024))
			if err != nil {
				b.Fatal(err)
			}
			data := []byte(strings.Repeat("x", 300))
			b.ResetTimer()
			for i := range b.N {
				k := event.Key{User: event.UserHash(strconv.Itoa(i)), Saga: strconv.Itoa(i)}
				msg := &nats.Msg{Subject: k.Subject(event.TypeTokenVerified), Data: data, Header: nats.Header{
					jetstream.ExpectedLastSubjSeqHeader: {"0"}, jetstream.ExpectedLastSubjSeqSubjHeader: {k.History()},
				}}
				if _, err := js.PublishMsgAsync(msg, jetstream.WithStallWait(patience)); err != nil {
					b.Fatal(err)
				}
			}
			<-js.PublishAsyncComplete()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
		})
	}
}
