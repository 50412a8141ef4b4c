package cells

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/streams"
)

func connect(t *testing.T, url, user string) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect(url, nats.UserInfo(user, user))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// TestCells_EachUserHasOneAndPublishersGetTheirAcknowledgement publishes 200
// requests of 100 users to one address and finds them in two cells.
func TestCells_EachUserHasOneAndPublishersGetTheirAcknowledgement(t *testing.T) {
	t.Setenv("STORE", t.TempDir())
	options, err := natsserver.ProcessConfigFile("nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	options.NoLog, options.NoSigs = true, true
	server, err := natsserver.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(func() { server.Shutdown(); server.WaitForShutdown() })
	if !server.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server is not ready")
	}
	inboxes := make([]jetstream.Stream, 2)
	for i := range inboxes {
		js, err := jetstream.New(connect(t, server.ClientURL(), fmt.Sprint("cell", i)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := streams.Apply(t.Context(), js, streams.Options{}); err != nil {
			t.Fatal(err)
		}
		if inboxes[i], err = js.Stream(t.Context(), event.StreamRequests); err != nil {
			t.Fatal(err)
		}
	}

	upstream := connect(t, server.ClientURL(), "upstream")
	for range 2 {
		for i := range 100 {
			user := event.UserHash(fmt.Sprint("user-", i))
			answer, err := upstream.Request(event.SubjectRequested+"."+user, []byte(user), 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			var ack jetstream.PubAck
			if err := json.Unmarshal(answer.Data, &ack); err != nil || ack.Stream != event.StreamRequests || ack.Sequence == 0 {
				t.Fatalf("the answer is %s: %v", answer.Data, err)
			}
		}
	}
	cell := map[string]int{}
	for i, inbox := range inboxes {
		info, err := inbox.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.State.Msgs < 50 {
			t.Errorf("cell %d has %d of 200 requests", i, info.State.Msgs)
		}
		for n := info.State.FirstSeq; n <= info.State.LastSeq; n++ {
			msg, err := inbox.GetMsg(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			if msg.Subject != event.SubjectRequested {
				t.Errorf("stored under %s", msg.Subject)
			}
			user := string(msg.Data)
			if other, known := cell[user]; known && other != i {
				t.Errorf("user %s is in both cells", user)
			}
			cell[user] = i
		}
	}
	if len(cell) != 100 {
		t.Errorf("%d of 100 users", len(cell))
	}
}
