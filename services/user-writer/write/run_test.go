package write

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/images"
	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/service/servicetest"
	"github.com/create-user/create-user/services/user-writer/store"
)

var picture = strings.Repeat("picture ", 4<<10)

// scene is the service with its SQLite file and its server.
type scene struct {
	*sagatest.Server

	t       testing.TB
	users   store.Store
	images  *images.Store
	service *servicetest.Process
}

func begin(t testing.TB) scene {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.db")
	users, err := store.OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = users.Close() })
	s := sagatest.New(t, event.StepUserWriter, event.StepRowRemover)
	return scene{
		Server: s, t: t, users: users, images: images.New(s.JS()),
		service: servicetest.Start(t, s, Service(), service.Vars{"SQLITE_PATH": path}),
	}
}

// write begins a saga of user id whose credentials are encrypted. An image that
// is given is put aside.
func (sc scene) write(id, image string) event.Key {
	sc.t.Helper()
	k, body := sc.Key(id), taken(id).Body
	if image != "" {
		claim, err := sc.images.Put(sc.t.Context(), k.Saga, []byte(image))
		if err != nil {
			sc.t.Fatal(err)
		}
		body.Image.Claim = &claim
	}
	sc.Append(body, k, time.Time{})
	return k
}

func (sc scene) expectRow(id, image string) {
	sc.t.Helper()
	got, found, err := sc.users.Find(sc.t.Context(), id)
	if err != nil || !found {
		sc.t.Fatalf("row of %s: found %t, error %v", id, found, err)
	}
	got.Key = store.Key{}
	want := store.User{ID: id, Phone: "p", Password: secretPassword, Name: "Ada L.", Image: image}
	if diff := cmp.Diff(want, got); diff != "" {
		sc.t.Errorf("row of %s (-want +got):\n%s", id, diff)
	}
}

func (sc scene) expectNoRow(id string) {
	sc.t.Helper()
	if _, found, err := sc.users.Find(sc.t.Context(), id); err != nil || found {
		sc.t.Errorf("row of %s: found %t, error %v", id, found, err)
	}
}

// expectImage fails unless the image that saga k put aside is there, or is not.
func (sc scene) expectImage(k event.Key, there bool) {
	sc.t.Helper()
	claim := event.NewImageClaim(k.Saga, []byte(picture))
	_, err := sc.images.Get(sc.t.Context(), event.Image{Claim: &claim})
	if there && err != nil || !there && !errors.Is(err, images.ErrMissing) {
		sc.t.Errorf("image of %s: %v, want there %t", k.Saga, err, there)
	}
}

func (sc scene) expectFailed(k event.Key, id string, code event.Code) {
	sc.t.Helper()
	ended := sc.Ended(sc.ExpectExactly(k, event.TypeEncrypted, event.TypeFailed)[1])
	if diff := cmp.Diff(event.NewEnded(id, event.StepUserWriter, code), ended); diff != "" {
		sc.t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func TestRun_WritesUsers(t *testing.T) {
	t.Parallel()
	sc := begin(t)
	sc.ExpectExactly(sc.write("ada", ""), event.TypeEncrypted, event.TypeCreated)
	sc.expectRow("ada", "")

	pictured := sc.write("bob", picture)
	sc.ExpectExactly(pictured, event.TypeEncrypted, event.TypeCreated)
	sc.expectRow("bob", picture)

	sc.expectFailed(sc.write("ada", ""), "ada", event.CodeUserExists)
	sc.expectRow("ada", "")
	if err := sc.service.Health()["database"]; err != nil {
		t.Errorf("unhealthy: %v", err)
	}

	sc.service.Stop() // also ends what follows the append
	sc.expectImage(pictured, false)
	if strings.Contains(sc.service.Logs(), secretPassword) {
		t.Error("the log holds a secret")
	}
}

func TestRun_RefusesAnImageThatIsNotWhatItSays(t *testing.T) {
	t.Parallel()
	sc := begin(t)
	acked := servicetest.Acks(t, sc.Server, event.StepRowRemover)
	k, body := sc.Key("ada"), taken("ada").Body
	if _, err := sc.images.Put(t.Context(), k.Saga, []byte(picture)); err != nil {
		t.Fatal(err)
	}
	claim := event.NewImageClaim(k.Saga, []byte(strings.ToUpper(picture)))
	body.Image.Claim = &claim
	sc.Append(body, k, time.Time{})
	sc.expectFailed(k, "ada", event.CodeInvalidRequest)
	sc.expectNoRow("ada")
	acked()
	sc.expectImage(k, false)

	missing := sc.Key("bob")
	body = taken("bob").Body
	claim = event.NewImageClaim(missing.Saga, []byte(picture))
	body.Image.Claim = &claim
	sc.Append(body, missing, time.Time{})
	sc.expectFailed(missing, "bob", event.CodeInvalidRequest)
}

func TestRun_RemovesTheRowOfASagaThatFailed(t *testing.T) {
	t.Parallel()
	sc := begin(t)
	acked := servicetest.Acks(t, sc.Server, event.StepRowRemover)
	for _, c := range []struct {
		id    string
		code  event.Code
		image bool // stays
	}{
		{"ada", event.CodeDeadlineExceeded, false},
		{"bob", event.CodeProcessingError, true}, // a dead letter may be replayed
	} {
		// The row was inserted, but the deadline came before its event.
		k, rival := sc.Key(c.id), sc.Key(c.id)
		body := taken(c.id)
		body.Key = k
		if _, err := sc.users.Insert(t.Context(), []store.User{row(body, "")}); err != nil {
			t.Fatal(err)
		}
		if _, err := sc.images.Put(t.Context(), k.Saga, []byte(picture)); err != nil {
			t.Fatal(err)
		}
		// A saga that fails without a row of its own leaves this one's alone.
		sc.Append(event.NewEnded(c.id, event.StepTokenVerifier, event.CodeSessionExpired), rival, time.Time{})
		acked()
		sc.expectRow(c.id, "")

		sc.Append(event.NewEnded(c.id, event.StepWatchdog, c.code), k, time.Time{})
		acked()
		sc.expectNoRow(c.id)
		sc.expectImage(k, c.image)

		// What is late finds that its saga may write no more.
		results, err := sc.users.Insert(t.Context(), []store.User{row(body, "")})
		if err != nil || results[0].Verdict != store.Removed {
			t.Errorf("a late insert: %v, error %v", results, err)
		}
	}
}

func TestRun_RefusesWrongSettings(t *testing.T) {
	t.Parallel()
	mysql := service.Vars{"MYSQL_HOST": "127.0.0.1"}
	for name, vars := range map[string]service.Vars{
		"MYSQL_HOST is not set":      {},
		"MYSQL_HOST and SQLITE_PATH": mysql.With(service.Vars{"SQLITE_PATH": "users.db"}),
		"MYSQL_PORT":                 mysql.With(service.Vars{"MYSQL_PORT": "sesame"}),
		"MYSQL_CONNECTIONS":          mysql.With(service.Vars{"MYSQL_CONNECTIONS": "0"}),
		"MYSQL_CA is set":            mysql.With(service.Vars{"MYSQL_CA": "ca.pem"}),
		"MYSQL_CA: ":                 mysql.With(service.Vars{"MYSQL_CA": "/nowhere", "MYSQL_TLS": "true"}),
		"no certificate":             mysql.With(service.Vars{"MYSQL_CA": "run_test.go", "MYSQL_TLS": "true"}),
		"open the users' database":   {"SQLITE_PATH": filepath.Join(t.TempDir(), "no", "such", "folder", "users.db")},
	} {
		t.Run(name, func(t *testing.T) {
			err := servicetest.Refuses(t, Service(), vars)
			if !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "sesame") {
				t.Error(err)
			}
		})
	}
}

func TestRun_WaitsForADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepUserWriter, event.StepRowRemover)
	p := servicetest.Start(t, s, Service(), service.Vars{"MYSQL_HOST": "127.0.0.1", "MYSQL_PORT": "1"})
	p.Await("the database is away")
	if err := p.Health()["database"]; err == nil {
		t.Error("healthy without a database")
	}
	p.Stop() // at once, though it waits
}
