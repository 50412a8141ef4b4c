package access

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/create-user/create-user/pkg/access"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/streams"
)

// content is what stands in a seeded message, to be found nowhere.
const content = "SEEDED-CONTENT"

// seeded is the operator's sight of the streams, each of which holds something.
type seeded struct{ js jetstream.JetStream }

func seed(t testing.TB, d deployment) seeded {
	t.Helper()
	conn, settings := d.connect(t, operator)
	js, err := settings.JetStream(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := streams.Apply(t.Context(), js, streams.Options{}); err != nil {
		t.Fatal(err)
	}
	subjects := []string{event.SubjectRequested, event.AuditSubject(event.AuditReplay), "$O.USER_CREATE_IMAGES.C.x"}
	for _, typ := range event.Types()[1:] {
		subjects = append(subjects, event.Key{User: "u", Saga: "s"}.Subject(typ))
	}
	for _, subject := range subjects {
		if _, err := js.Publish(t.Context(), subject, []byte(`{"id":"`+content+`"}`)); err != nil {
			t.Fatalf("publish to %s: %v", subject, err)
		}
	}
	return seeded{js}
}

// state returns what nobody may change by a trick: the sequences of every
// stream, and what is declared.
func (s seeded) state(t testing.TB) map[string]string {
	t.Helper()
	all, err := streams.Status(t.Context(), s.js)
	if err != nil {
		t.Fatal(err)
	}
	state := map[string]string{}
	for _, one := range all {
		state[one.Name] = fmt.Sprintf("messages %d to %d, %d; missing %t, drift %v", one.First, one.Last, one.Messages, one.Missing, one.Drift)
		for _, c := range one.Consumers {
			state[one.Name+" > "+c.Name] = fmt.Sprintf("pending %d, in hand %d, redelivered %d, missing %t, drift %v", c.Pending, c.AckPending, c.Redelivered, c.Missing, c.Drift)
		}
	}
	return state
}

func (s seeded) expect(t testing.TB, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, s.state(t)); diff != "" {
		t.Errorf("the streams have changed (-before +after):\n%s", diff)
	}
}

// victims are subjects at which an answer or a delivery would do harm.
func victims() []string {
	k := event.Key{User: "u", Saga: "s"}
	list := []string{event.SubjectRequested, k.DeadLetterSubject("encryptor"), event.AuditSubject(event.AuditDiscard), "$O.USER_CREATE_IMAGES.M.x"}
	for _, typ := range event.Types()[1:] {
		list = append(list, k.Subject(typ))
	}
	for _, prefix := range []string{"$JS.API.", access.APIPrefix + "."} {
		list = append(list, prefix+"STREAM.PURGE."+event.StreamEvents, prefix+"STREAM.DELETE."+event.StreamEvents,
			prefix+"CONSUMER.DELETE."+event.StreamEvents+".encryptor", prefix+"STREAM.PURGE.OBJ_"+event.BucketImages)
	}
	return append(list, "_INBOX.encryptor.x", "$JS.ACK."+event.StreamEvents+".encryptor.1.1.1.1.0")
}

// harmed are the victims that p may not reach itself: an answer may go wherever
// p may publish to.
func harmed(p access.Peer) []string {
	return slices.DeleteFunc(victims(), func(victim string) bool {
		return !slices.Contains(p.Denied, victim) &&
			slices.ContainsFunc(p.Grants, func(g access.Grant) bool { return server.SubjectsCollide(g.Local(), victim) })
	})
}

func TestTricks_AnAnswerIsWrittenNowhere(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	s := seed(t, d)
	before := s.state(t)
	asked := 0
	for _, p := range access.Peers() {
		conn, _ := d.connect(t, p.Name)
		for _, g := range p.Grants {
			if !asks(g.Subject) {
				continue
			}
			ask := strings.NewReplacer("*", "nobody", ">", "nobody").Replace(g.Local())
			for _, victim := range harmed(p) {
				if refused(t, conn, ask, victim, nil) {
					t.Errorf("%s was refused to %s", ask, p.Name)
				}
				asked++
			}
		}
		s.expect(t, before)
	}
	if asked == 0 {
		t.Error("nothing was tried")
	}
}

// A pull is answered with a message, or with a status and nothing: what deletes
// a consumer.
func TestTricks_APullIsAnsweredNowhere(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	s := seed(t, d)
	before := s.state(t)
	pulled := 0
	for _, p := range access.Peers() {
		conn, _ := d.connect(t, p.Name)
		for _, g := range p.Grants {
			if !strings.Contains(g.Subject, ".CONSUMER.CREATE.") || strings.Contains(g.Subject, event.BucketImages) {
				continue // the bucket's consumers push
			}
			for _, victim := range harmed(p) {
				pulled++
				stream, name := makeConsumer(t, conn, g, "", pulled)
				if name == "" {
					continue // the inbox has one consumer, and the server lets in no other
				}
				for range 8 { // more than there are messages
					if refused(t, conn, access.APIPrefix+".CONSUMER.MSG.NEXT."+stream+"."+name, victim, []byte(`{"batch":1,"no_wait":true}`)) {
						t.Errorf("%s may not pull", p.Name)
					}
				}
			}
		}
		s.expect(t, before)
	}
	if pulled == 0 {
		t.Error("nothing was tried")
	}
}

// asks reports whether a subject asks a question and changes nothing.
func asks(subject string) bool {
	for _, call := range []string{".CONSUMER.INFO.", ".DIRECT.GET.", ".STREAM.INFO.", ".STREAM.MSG.GET.", ".CONSUMER.LIST."} {
		if strings.Contains(subject, call) {
			return true
		}
	}
	return false
}

func TestTricks_ADeliveryIsWrittenNowhere(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	s := seed(t, d)
	before := s.state(t)
	tried, made := 0, 0
	for _, p := range access.Peers() {
		conn, _ := d.connect(t, p.Name)
		for _, g := range p.Grants {
			if !strings.Contains(g.Subject, ".CONSUMER.CREATE.") {
				continue
			}
			for _, victim := range victims() {
				tried++
				if _, name := makeConsumer(t, conn, g, victim, tried); name != "" {
					made++
				}
			}
		}
		s.expect(t, before)
	}
	if made == 0 {
		t.Error("no consumer was made: nothing was tried")
	}
}

// makeConsumer makes a consumer that delivers everything to a victim, or waits
// for pulls when that is empty. It returns no name when the server refuses it.
func makeConsumer(t testing.TB, conn *nats.Conn, g access.Grant, victim string, n int) (stream, name string) {
	t.Helper()
	tokens := strings.Split(g.Local(), ".") // CREATE_USER.API.CONSUMER.CREATE.<stream>.<name>.<filter>
	stream, name = tokens[4], fmt.Sprintf("trick%d", n)
	tokens[5] = name
	config := map[string]any{"name": name, "deliver_policy": "all", "ack_policy": "none"}
	if stream == event.StreamRequests {
		config["ack_policy"] = "explicit"
	}
	if filter := strings.Join(tokens[6:], "."); filter != "" {
		config["filter_subject"] = filter
	}
	if victim != "" {
		config["deliver_subject"] = victim
	}
	body, err := json.Marshal(map[string]any{"stream_name": stream, "config": config})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := conn.Request(strings.Join(tokens, "."), body, nats.DefaultTimeout)
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(tokens, "."), err)
	}
	if strings.Contains(string(answer.Data), `"error"`) {
		return stream, ""
	}
	return stream, name
}

func TestConnections_AreRefused(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	stranger, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := stranger.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	authority := nats.RootCAs(filepath.Join(d.secrets, publisher, "nats-ca.crt"))
	key, err := nats.NkeyOptionFromSeed(filepath.Join(d.secrets, publisher, "nats.seed"))
	if err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string][]nats.Option{
		"without a key":                         {authority},
		"with a key that nobody knows":          {authority, nats.Nkey(public, stranger.Sign)},
		"with a name and a password":            {authority, nats.UserInfo("createuser", "")},
		"to a server of an unknown authority":   {key},
		"with TLS older than 1.2, as the usual": {authority, key, nats.Secure(&tls.Config{MaxVersion: tls.VersionTLS11})},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := nats.Connect(d.server.URL, options...)
			if err == nil {
				conn.Close()
				t.Error("it was let in")
			}
		})
	}
}

func TestStore_IsEncryptedAtRest(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	seed(t, d)
	files := 0
	err := filepath.WalkDir(d.store, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		if strings.Contains(read(t, path), content) {
			t.Errorf("%s holds a message in clear", path)
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files: %v", files, err)
	}
}
