package check

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/service/servicetest"
	"github.com/create-user/create-user/services/code-checker/codes"
)

// scene is the service with its Redis and its server. The Redis is in this
// process; its TTLs do not run by themselves, and nothing here waits for one.
type scene struct {
	*sagatest.Server

	t       testing.TB
	redis   *miniredis.Miniredis
	service *servicetest.Process
}

// begin starts the service and stores the code of each user.
func begin(t testing.TB, steps []string, users ...string) scene {
	t.Helper()
	sc := scene{t: t, Server: sagatest.New(t, steps...), redis: miniredis.RunT(t)}
	client := redis.NewClient(&redis.Options{Addr: sc.redis.Addr()})
	defer func() { _ = client.Close() }()
	for _, id := range users {
		if err := codes.New(client).Store(t.Context(), id, secretCode, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	sc.service = servicetest.Start(t, sc.Server, Service(), service.Vars{"REDIS_URL": "redis://" + sc.redis.Addr()})
	return sc
}

// check begins a saga of user id with a code.
func (sc scene) check(id, code string) event.Key {
	sc.t.Helper()
	body := verified(id).Body
	body.Code = code
	k := sc.Key(id)
	sc.Append(body, k, time.Time{})
	return k
}

func (sc scene) expectFailed(k event.Key, code event.Code) event.Ended {
	sc.t.Helper()
	ended := sc.Ended(sc.Expect(k, event.TypeFailed))
	if ended.Code != code || ended.Step != event.StepCodeChecker || ended.Message != code.Message() {
		sc.t.Errorf("ended with %+v, want code %s", ended, code)
	}
	return ended
}

// fail ends a saga as another step would.
func (sc scene) fail(k event.Key, id string) {
	sc.t.Helper()
	sc.Append(event.NewEnded(id, event.StepEncryptor, event.CodeEncryptionFailed), k, time.Time{})
}

func TestRun_ChecksAndDeletesCodes(t *testing.T) {
	t.Parallel()
	steps := []string{event.StepCodeChecker, event.StepCodeDeleter, event.StepClaimReleaser}
	sc := begin(t, steps, "ada", "bob")

	first := sc.check("ada", secretCode)
	checked := sc.Expect(first, event.TypeCodeChecked)
	var body event.CodeChecked
	if err := json.Unmarshal(checked.Data, &body); err != nil {
		t.Fatal(err)
	}
	want := event.CodeChecked{ID: "ada", Sealed: event.Sealed{KeyID: "k", Saga: "s1"}, Username: "Ada L.", Image: event.Image{Inline: "i"}}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	if ttl := sc.redis.TTL("create-user:claim:{ada}"); ttl <= time.Minute || ttl > 2*time.Minute+time.Second {
		t.Errorf("the claim stands for %s", ttl)
	}
	if strings.Contains(sc.Contents(event.StreamEvents)[strings.Index(sc.Contents(event.StreamEvents), "code-checked"):], secretCode) {
		t.Error("the code is passed on")
	}
	sc.expectFailed(sc.check("bob", "000000"), event.CodeIncorrect)
	sc.expectFailed(sc.check("eve", secretCode), event.CodeIncorrect)

	// Submitted again while the first is open: nobody's code is lost.
	if ended := sc.expectFailed(sc.check("ada", secretCode), event.CodeDuplicateRequest); ended.Of != first.Saga {
		t.Errorf("duplicate of %q", ended.Of)
	}

	sc.Append(event.Created{ID: "ada", Username: "Ada L."}, first, time.Time{})
	completed := sc.Ended(sc.Expect(first, event.TypeCompleted))
	if diff := cmp.Diff(event.NewEnded("ada", event.StepCodeDeleter, event.CodeCreated), completed); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	if sc.redis.Exists("ada") || sc.redis.Exists("create-user:claim:{ada}") {
		t.Error("the code or the claim still stands")
	}
	// Submitted again after the end.
	if ended := sc.expectFailed(sc.check("ada", secretCode), event.CodeDuplicateRequest); ended.Of != first.Saga {
		t.Errorf("duplicate of %q", ended.Of)
	}
	sc.service.Stop()
	if strings.Contains(sc.service.Logs(), secretCode) {
		t.Error("the log holds a code")
	}
}

func TestRun_LocksAfterFiveWrongCodes(t *testing.T) {
	t.Parallel()
	sc := begin(t, []string{event.StepCodeChecker}, "ada")
	for range codes.Tries {
		sc.expectFailed(sc.check("ada", "000000"), event.CodeIncorrect)
	}
	sc.expectFailed(sc.check("ada", secretCode), event.CodeLocked)
	if sc.redis.Exists("ada") {
		t.Error("the code still stands")
	}
}

func TestRun_ReleasesTheClaimOfAFailedSaga(t *testing.T) {
	t.Parallel()
	sc := begin(t, []string{event.StepCodeChecker, event.StepClaimReleaser}, "ada")
	first := sc.check("ada", secretCode)
	sc.Expect(first, event.TypeCodeChecked)
	sc.fail(first, "ada")
	sc.Expect(sc.check("ada", secretCode), event.TypeCodeChecked)
	if !sc.redis.Exists("ada") {
		t.Error("the code is gone")
	}
}

// The releaser has no consumer here, as if it lagged for ever.
func TestRun_AClaimThatIsYetToBeReleasedKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	sc := begin(t, []string{event.StepCodeChecker}, "ada")
	first := sc.check("ada", secretCode)
	sc.Expect(first, event.TypeCodeChecked)
	sc.fail(first, "ada")
	second := sc.check("ada", secretCode)
	sc.ExpectExactly(second, event.TypeTokenVerified, event.TypeCodeChecked)
	if holder, err := sc.redis.Get("create-user:claim:{ada}"); err != nil || holder != second.Saga {
		t.Errorf("the claim is %q's, error %v", holder, err)
	}
}

func TestRun_WaitsForARedisThatIsAway(t *testing.T) {
	t.Parallel()
	sc := begin(t, []string{event.StepCodeChecker, event.StepCodeDeleter}, "ada", "bob")
	first := sc.check("bob", secretCode)
	sc.Expect(first, event.TypeCodeChecked)
	if err := sc.service.Health()["redis"]; err != nil {
		t.Errorf("unhealthy: %v", err)
	}
	sc.redis.SetError("LOADING Redis is loading the dataset in memory")
	if err := sc.service.Health()["redis"]; err == nil {
		t.Error("healthy without Redis")
	}
	second := sc.check("ada", secretCode)
	sc.Append(event.Created{ID: "bob"}, first, time.Time{})
	sc.service.Await(`"verdict":"hold"`)
	sc.redis.SetError("")
	sc.ExpectExactly(second, event.TypeTokenVerified, event.TypeCodeChecked)
	sc.ExpectExactly(first, event.TypeTokenVerified, event.TypeCodeChecked, event.TypeCreated, event.TypeCompleted)
}

func TestRun_RefusesWrongSettings(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"localhost", "http://u:sesame@host", "redis://u:sesame@host:port/0", "redis://u:sesame@host/db"} {
		err := servicetest.Refuses(t, Service(), service.Vars{"REDIS_URL": url})
		if !strings.Contains(err.Error(), "REDIS_URL") || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: %v", url, err)
		}
	}
}
