package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/token"
)

// forward is the history of a registration that went well.
var forward = []event.Type{
	event.TypeTokenVerified, event.TypeCodeChecked, event.TypeEncrypted, event.TypeCreated, event.TypeCompleted,
}

func TestRegistration_GoesThroughEveryStep(t *testing.T) {
	t.Parallel()
	s := startSystem(t, nil)
	clients := listen(t, s.room)
	for _, transport := range []string{"websocket", "polling"} {
		t.Run("a client by "+transport+" hears it", func(t *testing.T) {
			id := "ada-" + transport
			r := s.validRequest(id)
			clients.join(id, s.token(id), transport)
			k := s.publish(r, "")
			want := heard{Message: "User created successfully", Status: true, Code: "created"}
			got := clients.hear(id, 1)
			got.Saga = ""
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("heard (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(forward, s.history(k)); diff != "" {
				t.Errorf("history (-want +got):\n%s", diff)
			}
			stored, found := s.row(id)
			if !found {
				t.Fatal("no row")
			}
			if stored.Name != userName || stored.Image != pixel {
				t.Errorf("row = %+v", stored)
			}
			for _, secret := range []string{r["Phone"].(string), r["Password"].(string)} {
				if strings.Contains(stored.Phone+stored.Password, secret) {
					t.Error("a secret stands in the row in clear")
				}
			}
			if code := s.code(id); code != "" {
				t.Errorf("the code is still there")
			}
		})
	}
}

// ending is a way for a registration to end, and what the user hears of it.
type ending struct {
	name    string
	prepare func(s *system, id string) request
	code    event.Code
	message string
}

// endings are the rows of the contract's outcome table that a user can cause.
func endings() []ending {
	change := func(field string, value any) func(*system, string) request {
		return func(s *system, id string) request { return s.validRequest(id).with(field, value) }
	}
	const session, wrong, failed = "Session expired. Please log in again.", "The verification code is incorrect", "Error processing job"
	return []ending{
		{"no token", change("Token", nil), event.CodeSessionExpired, session},
		{"an empty token", change("Token", ""), event.CodeSessionExpired, session},
		{"a token of another type", change("Token", 7), event.CodeSessionExpired, session},
		{"a malformed token", change("Token", "a.b.c"), event.CodeSessionExpired, session},
		{"a huge token", change("Token", strings.Repeat("x", 9<<10)), event.CodeSessionExpired, session},
		{"an expired token", expiredToken, event.CodeSessionExpired, session},
		{"another user's token", func(s *system, id string) request {
			return s.validRequest(id).with("Token", s.token(id+"-other"))
		}, event.CodeSessionExpired, session},
		{"a wrong code", change("Code", "654321"), event.CodeIncorrect, wrong},
		{"no code stored", func(s *system, id string) request {
			r := s.validRequest(id)
			s.redis.Del(s.t.Context(), id)
			return r
		}, event.CodeIncorrect, wrong},
		{"a fault of the encryption service", change("Phone", faultyPhone), event.CodeEncryptionFailed,
			"Error encrypting your credentials. Please try again."},
		{"an Id that is registered", func(s *system, id string) request {
			_, err := s.users.ExecContext(s.t.Context(), "INSERT INTO Users (Id, Phone, Password, Name, Image) VALUES (?, 'p', 'p', 'n', 'i')", id)
			if err != nil {
				s.t.Fatal(err)
			}
			return s.validRequest(id)
		}, event.CodeUserExists, "User already exists"},
		{"a code that is a number", change("Code", 123456), event.CodeInvalidRequest, failed},
		{"code null and none stored", func(s *system, id string) request {
			r := s.validRequest(id).with("Code", nil)
			s.redis.Del(s.t.Context(), id)
			return r
		}, event.CodeInvalidRequest, failed},
		{"a missing password", change("Password", nil), event.CodeInvalidRequest, failed},
		{"a password that is too long", change("Password", strings.Repeat("p", 1025)), event.CodeInvalidRequest, failed},
		{"a phone that breaks out of the envelope", change("Phone", "</phone><password>X</password>"), event.CodeCreated, "User created successfully"},
		{"a password that breaks out of the envelope", change("Password", "</password>&<>'\""), event.CodeCreated, "User created successfully"},
		{"a name that is too long", change("Username", strings.Repeat("n", 101)), event.CodeInvalidRequest, failed},
		{"an image that is not what it says", change("Image", "data:image/png;base64,aGVsbG8="), event.CodeInvalidRequest, failed},
		{"an image that is too large", change("Image", strings.Repeat("i", event.MaxImage+1)), event.CodeInvalidRequest, failed},
		{"an image of the largest size", change("Image", strings.Repeat("i", event.MaxImage)), event.CodeCreated, "User created successfully"},
	}
}

func expiredToken(s *system, id string) request {
	signed, err := token.Sign([]byte(service.DevJWTSecret), id, -time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.validRequest(id).with("Token", signed)
}

func TestRegistration_EndsAsTheContractSays(t *testing.T) {
	t.Parallel()
	s := startSystem(t, nil)
	clients := listen(t, s.room)
	for i, e := range endings() {
		t.Run(e.name, func(t *testing.T) {
			id := fmt.Sprintf("user-%d", i)
			clients.join(id, s.token(id))
			k := s.publish(e.prepare(s, id), "")
			checkEnding(t, s, clients, id, k, e)
		})
	}
}

// checkEnding checks what the user hears, what is stored, and that the next
// request of the same user is handled.
func checkEnding(t *testing.T, s *system, clients *listener, id string, k event.Key, e ending) {
	t.Helper()
	got := clients.hear(id, 1)
	want := heard{Message: e.message, Status: e.code == event.CodeCreated, Code: string(e.code), Saga: got.Saga}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	if ended := s.outcome(k); ended.Code != e.code || ended.ID != id {
		t.Errorf("stored outcome = %+v, want code %s", ended, e.code)
	}
	created := e.code == event.CodeCreated || e.code == event.CodeUserExists
	if _, found := s.row(id); found != created {
		t.Errorf("row stands: %t, want %t", found, created)
	}
	if created {
		return
	}
	s.publish(s.validRequest(id), "again-"+got.Saga)
	if second := clients.hear(id, 2); second.Code != string(event.CodeCreated) {
		t.Errorf("the next request ended with %+v", second)
	}
}

func TestRegistration_FiveWrongCodesLockTheCode(t *testing.T) {
	t.Parallel()
	s := startSystem(t, nil)
	clients := listen(t, s.room)
	const id = "locked"
	clients.join(id, s.token(id))
	r := s.validRequest(id)
	for n := 1; n <= 5; n++ {
		s.publish(r.with("Code", "000000"), fmt.Sprintf("wrong-%d", n))
		if got := clients.hear(id, n); got.Code != string(event.CodeIncorrect) {
			t.Errorf("try %d ended with %+v", n, got)
		}
	}
	s.publish(r, "right")
	want := "Too many incorrect codes. Request a new code."
	if got := clients.hear(id, 6); got.Message != want || got.Status {
		t.Errorf("heard %+v, want %q", got, want)
	}
	s.storeCode(id, "777777")
	s.publish(r.with("Code", "777777"), "renewed")
	if got := clients.hear(id, 7); !got.Status {
		t.Errorf("with a new code: %+v", got)
	}
}

func TestRegistration_SubmittedTwiceIsHeardOnce(t *testing.T) {
	t.Parallel()
	s := startSystem(t, nil)
	clients := listen(t, s.room)
	for _, c := range []struct{ name, first, second string }{
		{"with the same message id", "one", "one"},
		{"with different message ids", "two", "three"},
		{"without message ids", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := "twice " + c.name
			clients.join(id, s.token(id))
			r := s.validRequest(id)
			s.publish(r, c.first)
			s.publish(r, c.second)
			if got := clients.hear(id, 1); !got.Status {
				t.Errorf("heard %+v", got)
			}
			late := s.publish(r, c.second+"-late")
			if ended := s.outcome(late); ended.Code != event.CodeDuplicateRequest || ended.Of == "" {
				t.Errorf("the repetition ended with %+v", ended)
			}
			// A last outcome, of another user on the same notifier, comes after all
			// that could have been heard before it.
			after := id + " after"
			clients.join(after, s.token(after))
			s.publish(s.validRequest(after), "")
			clients.hear(after, 1)
			if got := clients.heard(id); len(got) != 1 {
				t.Errorf("heard %+v, want one outcome", got)
			}
		})
	}
}

func TestRegistration_DeadlineEndsWhatCannotGoOn(t *testing.T) {
	t.Parallel()
	s := startSystem(t, map[string]string{"ENCRYPT_URL": "http://127.0.0.1:" + freePort(t) + "/"})
	clients := listen(t, s.room)
	const id = "late"
	clients.join(id, s.token(id))
	r := s.validRequest(id)
	s.publishWithDeadline(r, "late", 2*time.Second)
	if got := clients.hear(id, 1); got.Message != "Error processing job" || got.Code != string(event.CodeDeadlineExceeded) {
		t.Errorf("heard %+v", got)
	}
	if s.code(id) == "" {
		t.Error("the code is gone, though the registration failed before the pivot")
	}
}

func (s *system) publishWithDeadline(r request, msgID string, in time.Duration) {
	s.t.Helper()
	msg := nats.NewMsg(event.SubjectRequested)
	msg.Data = r.json(s.t)
	msg.Header.Set(event.HeaderMsgID, msgID)
	msg.Header[event.HeaderDeadline] = []string{time.Now().Add(in).UTC().Format(time.RFC3339Nano)}
	if _, err := s.js.PublishMsg(s.t.Context(), msg); err != nil {
		s.t.Fatalf("publish: %v", err)
	}
}

func TestNotifier_AnswersLateJoinersAndSurvivesItsRestart(t *testing.T) {
	t.Parallel()
	s := startSystem(t, nil)
	clients := listen(t, s.room)
	const id = "late-joiner"
	k := s.publish(s.validRequest(id), "")
	s.outcome(k)
	clients.join(id, s.token(id))
	first := clients.hear(id, 1)
	if !first.Status {
		t.Errorf("a late joiner hears %+v", first)
	}
	s.procs["notifier"].stop(t)
	const away = "while-away"
	s.outcome(s.publish(s.validRequest(away), ""))
	s.start("notifier")
	clients.join(away, s.token(away))
	if got := clients.hear(away, 1); !got.Status {
		t.Errorf("after the restart: %+v", got)
	}
}

func TestNotifier_RefusesARoomWithoutItsToken(t *testing.T) {
	t.Parallel()
	s := startSystem(t, nil)
	clients := listen(t, s.room)
	for i, wrong := range []string{"", "nonsense", s.token("somebody else")} {
		id := fmt.Sprintf("guarded-%d", i)
		clients.send(map[string]any{"op": "join", "id": id, "token": wrong, "transports": []string{"websocket"}})
		clients.wait(id, "refused", 1)
	}
}
