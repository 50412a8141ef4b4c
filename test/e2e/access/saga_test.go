package access

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/access"
	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/test/e2e/harness"
)

// largeImage does not fit into an event.
var largeImage = "data:image/gif;base64,R0lGODlh" + strings.Repeat("AAAA", 75_000)

// start starts the whole system on the deployed server, each program with its
// own key.
func start(t testing.TB) (deployment, *harness.System) {
	t.Helper()
	d := deploy(t)
	own := map[string]service.Vars{}
	for _, p := range access.Peers() {
		own[p.Name] = d.vars(p.Name)
	}
	return d, harness.StartOn(t, d.server, map[string]string{
		"SAGA_DEADLINE": "20s", "CONSOLE_PORT": harness.FreePort(t), "CONSOLE_TOKEN": "a token of an operator",
	}, own)
}

// publish publishes a request as an upstream service does, with the SDK.
func publish(t testing.TB, c *client.Client, s *harness.System, id, image string) event.Key {
	t.Helper()
	s.StoreCode(id, "123456")
	sagaID, err := c.Request(t.Context(), registration(s, id, image))
	if err != nil {
		t.Fatal(err)
	}
	return event.Key{User: event.UserHash(id), Saga: sagaID}
}

func registration(s *harness.System, id, image string) client.Registration {
	return client.Registration{
		ID: id, Token: s.Token(id), Code: "123456", Phone: "+4915112345678", Password: "correct horse battery",
		Username: harness.UserName, Image: image,
	}
}

// sdk returns the SDK's client, as a publisher.
func sdk(t testing.TB, d deployment) *client.Client {
	t.Helper()
	conn, settings := d.connect(t, access.Publisher)
	js, err := settings.JetStream(conn)
	if err != nil {
		t.Fatal(err)
	}
	key, err := event.ParsePublicKey(service.DevSealPublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return client.New(js, key, "/signup")
}

func TestAccounts_EveryServiceDoesItsWork(t *testing.T) {
	t.Parallel()
	d, s := start(t)
	c := sdk(t, d)
	rooms := harness.Listen(t, s.Room)

	t.Run("a registration is completed and heard", func(t *testing.T) {
		rooms.Join("ada", s.Token("ada"))
		k := publish(t, c, s, "ada", harness.Pixel)
		if got := outcome(t, c, k); got.Code != event.CodeCreated {
			t.Errorf("the outcome is %+v", got)
		}
		if h := rooms.Hear("ada", 1); !h.Status {
			t.Errorf("heard %+v", h)
		}
		if _, found := s.Row("ada"); !found {
			t.Error("there is no row")
		}
	})
	t.Run("a large image goes by the bucket", func(t *testing.T) {
		image := largeImage
		k := publish(t, c, s, "large", image)
		if got := outcome(t, c, k); got.Code != event.CodeCreated {
			t.Errorf("the outcome is %+v", got)
		}
		if row, _ := s.Row("large"); row.Image != image {
			t.Errorf("the row's image has %d bytes", len(row.Image))
		}
	})
	t.Run("an image of a request in plain JSON goes by the bucket", func(t *testing.T) {
		s.Publish(s.ValidRequest("plain").With("Image", largeImage), "plain-1")
		if got := outcome(t, c, event.Key{Saga: "plain-1"}); got.Code != event.CodeCreated {
			t.Errorf("the outcome is %+v", got)
		}
	})
	t.Run("a refused registration is compensated and heard", func(t *testing.T) {
		rooms.Join("bob", s.Token("bob"))
		s.StoreCode("bob", "123456")
		r := registration(s, "bob", "")
		r.Phone = harness.FaultyPhone
		sagaID, err := c.Request(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if got := outcome(t, c, event.Key{Saga: sagaID}); got.Code != event.CodeEncryptionFailed {
			t.Errorf("the outcome is %+v", got)
		}
		if h := rooms.Hear("bob", 1); h.Status {
			t.Errorf("heard %+v", h)
		}
	})
	t.Run("a repeated request is no second one", func(t *testing.T) {
		s.StoreCode("twice", "123456")
		r := registration(s, "twice", "")
		r.Key = "twice-1"
		for range 2 {
			if _, err := c.Request(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			outcome(t, c, event.Key{Saga: r.Key})
		}
	})
	t.Run("another user's key is refused", func(t *testing.T) {
		r := registration(s, "somebody else", "")
		r.Key = "twice-1"
		if _, err := c.Request(t.Context(), r); !errors.Is(err, client.ErrKeyUsed) {
			t.Errorf("error = %v, want %v", err, client.ErrKeyUsed)
		}
	})
	t.Run("poison is dead-lettered, and the operator replays and discards", func(t *testing.T) {
		s.PublishRaw([]byte(`{"Id": 7}`), "poison-1")
		s.DeadLetters(1)
		list := harness.MustCommand(t, s.VarsOf("createuser"), "dlq", "list")
		if !strings.Contains(list, "poison-1") {
			t.Errorf("the list is %s", list)
		}
		harness.MustCommand(t, s.VarsOf("createuser"), "dlq", "discard", "1")
	})
	t.Run("the deadline ends a saga that stands still", func(t *testing.T) {
		s.Procs["encryptor"].Stop(t)
		k := publish(t, c, s, "late", "")
		if got := outcome(t, c, k); got.Code != event.CodeDeadlineExceeded || got.Step != event.StepWatchdog {
			t.Errorf("the outcome is %+v", got)
		}
	})
	t.Run("the console reads all histories", func(*testing.T) { s.Start("console") })
	t.Run("nothing was refused", func(t *testing.T) {
		for line := range strings.Lines(s.Logs.String()) {
			if strings.Contains(strings.ToLower(line), "violation") || strings.Contains(line, "no responders") {
				t.Error(line)
			}
		}
	})
}

func outcome(t testing.TB, c *client.Client, k event.Key) event.Ended {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.SagaTime)
	defer cancel()
	ended, err := c.Outcome(ctx, k.Saga)
	if err != nil {
		t.Fatal(err)
	}
	return ended
}
