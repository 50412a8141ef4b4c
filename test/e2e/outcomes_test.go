package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/token"
	"github.com/create-user/create-user/test/e2e/harness"
)

// forward is the history of a registration that went well.
var forward = []event.Type{
	event.TypeTokenVerified, event.TypeCodeChecked, event.TypeEncrypted, event.TypeCreated, event.TypeCompleted,
}

func TestRegistration_GoesThroughEveryStep(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, nil)
	clients := harness.Listen(t, s.Room)
	for _, transport := range []string{"websocket", "polling"} {
		t.Run("a client by "+transport+" hears it", func(t *testing.T) {
			id := "ada-" + transport
			r := s.ValidRequest(id)
			clients.Join(id, s.Token(id), transport)
			k := s.Publish(r, "")
			want := harness.Heard{Message: "User created successfully", Status: true, Code: "created"}
			got := clients.Hear(id, 1)
			got.Saga = ""
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("heard (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(forward, s.History(k)); diff != "" {
				t.Errorf("history (-want +got):\n%s", diff)
			}
			stored, found := s.Row(id)
			if !found {
				t.Fatal("no row")
			}
			if stored.Name != harness.UserName || stored.Image != harness.Pixel {
				t.Errorf("row = %+v", stored)
			}
			for _, secret := range []string{r["Phone"].(string), r["Password"].(string)} {
				if strings.Contains(stored.Phone+stored.Password, secret) {
					t.Error("a secret stands in the row in clear")
				}
			}
			if code := s.Code(id); code != "" {
				t.Errorf("the code is still there")
			}
		})
	}
}

// ending is a way for a registration to end, and what the user hears of it.
type ending struct {
	name    string
	prepare func(s *harness.System, id string) harness.Request
	code    event.Code
	message string
}

// endings are the rows of the contract's outcome table that a user can cause.
func endings() []ending {
	change := func(field string, value any) func(*harness.System, string) harness.Request {
		return func(s *harness.System, id string) harness.Request { return s.ValidRequest(id).With(field, value) }
	}
	const session, wrong, failed = "Session expired. Please log in again.", "The verification code is incorrect", "Error processing job"
	return []ending{
		{"no token", change("Token", nil), event.CodeSessionExpired, session},
		{"an empty token", change("Token", ""), event.CodeSessionExpired, session},
		{"a token of another type", change("Token", 7), event.CodeSessionExpired, session},
		{"a malformed token", change("Token", "a.b.c"), event.CodeSessionExpired, session},
		{"a huge token", change("Token", strings.Repeat("x", 9<<10)), event.CodeSessionExpired, session},
		{"an expired token", expiredToken, event.CodeSessionExpired, session},
		{"another user's token", func(s *harness.System, id string) harness.Request {
			return s.ValidRequest(id).With("Token", s.Token(id+"-other"))
		}, event.CodeSessionExpired, session},
		{"a wrong code", change("Code", "654321"), event.CodeIncorrect, wrong},
		{"no code stored", func(s *harness.System, id string) harness.Request {
			r := s.ValidRequest(id)
			s.Redis.Del(s.T.Context(), id)
			return r
		}, event.CodeIncorrect, wrong},
		{"a fault of the encryption service", change("Phone", harness.FaultyPhone), event.CodeEncryptionFailed,
			"Error encrypting your credentials. Please try again."},
		{"an Id that is registered", func(s *harness.System, id string) harness.Request {
			_, err := s.Users.ExecContext(s.T.Context(), "INSERT INTO Users (Id, Phone, Password, Name, Image) VALUES (?, 'p', 'p', 'n', 'i')", id)
			if err != nil {
				s.T.Fatal(err)
			}
			return s.ValidRequest(id)
		}, event.CodeUserExists, "User already exists"},
		{"a code that is a number", change("Code", 123456), event.CodeInvalidRequest, failed},
		{"code null and none stored", func(s *harness.System, id string) harness.Request {
			r := s.ValidRequest(id).With("Code", nil)
			s.Redis.Del(s.T.Context(), id)
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

func expiredToken(s *harness.System, id string) harness.Request {
	signed, err := token.Sign([]byte(service.DevJWTSecret), id, -time.Hour)
	if err != nil {
		s.T.Fatal(err)
	}
	return s.ValidRequest(id).With("Token", signed)
}

func TestRegistration_EndsAsTheContractSays(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, nil)
	clients := harness.Listen(t, s.Room)
	for i, e := range endings() {
		t.Run(e.name, func(t *testing.T) {
			id := fmt.Sprintf("user-%d", i)
			clients.Join(id, s.Token(id))
			k := s.Publish(e.prepare(s, id), "")
			checkEnding(t, s, clients, id, k, e)
		})
	}
}

// checkEnding checks what the user hears, what is stored, and that the next
// request of the same user is handled.
func checkEnding(t *testing.T, s *harness.System, clients *harness.Listener, id string, k event.Key, e ending) {
	t.Helper()
	got := clients.Hear(id, 1)
	want := harness.Heard{Message: e.message, Status: e.code == event.CodeCreated, Code: string(e.code), Saga: got.Saga}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	if ended := s.Outcome(k); ended.Code != e.code || ended.ID != id {
		t.Errorf("stored outcome = %+v, want code %s", ended, e.code)
	}
	created := e.code == event.CodeCreated || e.code == event.CodeUserExists
	if _, found := s.Row(id); found != created {
		t.Errorf("row stands: %t, want %t", found, created)
	}
	if created {
		return
	}
	s.Publish(s.ValidRequest(id), "again-"+got.Saga)
	if second := clients.Hear(id, 2); second.Code != string(event.CodeCreated) {
		t.Errorf("the next request ended with %+v", second)
	}
}

func TestRegistration_FiveWrongCodesLockTheCode(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, nil)
	clients := harness.Listen(t, s.Room)
	const id = "locked"
	clients.Join(id, s.Token(id))
	r := s.ValidRequest(id)
	for n := 1; n <= 5; n++ {
		s.Publish(r.With("Code", "000000"), fmt.Sprintf("wrong-%d", n))
		if got := clients.Hear(id, n); got.Code != string(event.CodeIncorrect) {
			t.Errorf("try %d ended with %+v", n, got)
		}
	}
	s.Publish(r, "right")
	want := "Too many incorrect codes. Request a new code."
	if got := clients.Hear(id, 6); got.Message != want || got.Status {
		t.Errorf("heard %+v, want %q", got, want)
	}
	s.StoreCode(id, "777777")
	s.Publish(r.With("Code", "777777"), "renewed")
	if got := clients.Hear(id, 7); !got.Status {
		t.Errorf("with a new code: %+v", got)
	}
}

func TestRegistration_SubmittedTwiceIsHeardOnce(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, nil)
	clients := harness.Listen(t, s.Room)
	for _, c := range []struct{ name, first, second string }{
		{"with the same message id", "one", "one"},
		{"with different message ids", "two", "three"},
		{"without message ids", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := "twice " + c.name
			clients.Join(id, s.Token(id))
			r := s.ValidRequest(id)
			s.Publish(r, c.first)
			s.Publish(r, c.second)
			if got := clients.Hear(id, 1); !got.Status {
				t.Errorf("heard %+v", got)
			}
			late := s.Publish(r, c.second+"-late")
			if ended := s.Outcome(late); ended.Code != event.CodeDuplicateRequest || ended.Of == "" {
				t.Errorf("the repetition ended with %+v", ended)
			}
			// A last outcome, of another user on the same notifier, comes after all
			// that could have been heard before it.
			after := id + " after"
			clients.Join(after, s.Token(after))
			s.Publish(s.ValidRequest(after), "")
			clients.Hear(after, 1)
			if got := clients.Heard(id); len(got) != 1 {
				t.Errorf("heard %+v, want one outcome", got)
			}
		})
	}
}

func TestRegistration_DeadlineEndsWhatCannotGoOn(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, map[string]string{"ENCRYPT_URL": "http://127.0.0.1:" + harness.FreePort(t) + "/"})
	clients := harness.Listen(t, s.Room)
	const id = "late"
	clients.Join(id, s.Token(id))
	r := s.ValidRequest(id)
	s.PublishWithDeadline(r, "late", 2*time.Second)
	if got := clients.Hear(id, 1); got.Message != "Error processing job" || got.Code != string(event.CodeDeadlineExceeded) {
		t.Errorf("heard %+v", got)
	}
	if s.Code(id) == "" {
		t.Error("the code is gone, though the registration failed before the pivot")
	}
}

func TestNotifier_AnswersLateJoinersAndSurvivesItsRestart(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, nil)
	clients := harness.Listen(t, s.Room)
	const id = "late-joiner"
	k := s.Publish(s.ValidRequest(id), "")
	s.Outcome(k)
	clients.Join(id, s.Token(id))
	first := clients.Hear(id, 1)
	if !first.Status {
		t.Errorf("a late joiner hears %+v", first)
	}
	s.Procs["notifier"].Stop(t)
	const away = "while-away"
	s.Outcome(s.Publish(s.ValidRequest(away), ""))
	s.Start("notifier")
	clients.Join(away, s.Token(away))
	if got := clients.Hear(away, 1); !got.Status {
		t.Errorf("after the restart: %+v", got)
	}
}

func TestNotifier_RefusesARoomWithoutItsToken(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, nil)
	clients := harness.Listen(t, s.Room)
	for i, wrong := range []string{"", "nonsense", s.Token("somebody else")} {
		id := fmt.Sprintf("guarded-%d", i)
		clients.Send(map[string]any{"op": "join", "id": id, "token": wrong, "transports": []string{"websocket"}})
		clients.Wait(id, "refused", 1)
	}
}
