package servicetest

import (
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

// Acks returns a function that waits until a step has acked one more event of
// the event store: the only sign of a step that appends nothing.
func Acks(t testing.TB, s *sagatest.Server, step string) (await func()) {
	t.Helper()
	conn, _ := s.Connect()
	acks, err := conn.SubscribeSync("$JS.ACK." + event.StreamEvents + "." + step + ".>")
	if err != nil {
		t.Fatalf("listen to the acks of %s: %v", step, err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatalf("listen to the acks of %s: %v", step, err)
	}
	return func() {
		t.Helper()
		for {
			msg, err := acks.NextMsg(30 * time.Second)
			if err != nil {
				t.Fatalf("%s has acked nothing: %v", step, err)
			}
			if string(msg.Data) == "+ACK" {
				return
			}
		}
	}
}
