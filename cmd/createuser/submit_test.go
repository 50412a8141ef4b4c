package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service"
)

// rejecting ends every saga with the code that is its user's name; a name that
// is no code is never answered.
func rejecting(s *sagatest.Server) {
	sagatest.Run(s, saga.Step[event.Requested, event.TokenVerified]{
		Name: event.StepTokenVerifier, Decode: event.DecodeRequested,
		Handle: saga.Each(8, func(_ context.Context, e saga.Event[event.Requested]) (event.TokenVerified, error) {
			for _, code := range event.Codes() {
				if e.Body.Username == string(code) {
					return event.TokenVerified{}, saga.Reject(code, errors.New("as asked"))
				}
			}
			return event.TokenVerified{ID: e.Body.ID}, nil
		}),
	})
}

// flags are those of one request.
func flags(name string, more ...string) []string {
	return append([]string{
		"submit", "--id", "ada", "--token", "a.b.c", "--code", "739154", "--phone", "+49", "--password", "sesame", "--username", name,
	}, more...)
}

// lines are requests as NDJSON, one for each name.
func lines(t testing.TB, names ...string) string {
	t.Helper()
	var b strings.Builder
	for i, name := range names {
		if err := json.NewEncoder(&b).Encode(line{
			ID: fmt.Sprint("user-", i), Token: "a.b.c", Code: "739154", Phone: "+49", Password: "sesame", Username: name,
		}); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func stored(t testing.TB, s *sagatest.Server) uint64 {
	t.Helper()
	stream, err := s.JS().Stream(t.Context(), event.StreamRequests)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.LastSeq
}

func TestSubmit_Validate(t *testing.T) {
	t.Parallel()
	good := submitCommand{ID: "ada", Concurrency: 1}
	for name, c := range map[string]struct {
		change func(*submitCommand)
		want   string // empty: it is good
	}{
		"one request":             {func(*submitCommand) {}, ""},
		"a file":                  {func(c *submitCommand) { c.ID, c.File = "", "x" }, ""},
		"neither":                 {func(c *submitCommand) { c.ID = "" }, "nothing to submit"},
		"both":                    {func(c *submitCommand) { c.File = "x" }, "not both"},
		"a file and a token":      {func(c *submitCommand) { c.ID, c.Token, c.File = "", "t", "x" }, "not both"},
		"a file and a code":       {func(c *submitCommand) { c.ID, c.Code, c.File = "", "t", "x" }, "not both"},
		"a file and a phone":      {func(c *submitCommand) { c.ID, c.Phone, c.File = "", "t", "x" }, "not both"},
		"a file and a password":   {func(c *submitCommand) { c.ID, c.Password, c.File = "", "t", "x" }, "not both"},
		"a file and a name":       {func(c *submitCommand) { c.ID, c.Username, c.File = "", "t", "x" }, "not both"},
		"a file and an image":     {func(c *submitCommand) { c.ID, c.Image, c.File = "", "t", "x" }, "not both"},
		"a file and a key":        {func(c *submitCommand) { c.ID, c.Key, c.File = "", "t", "x" }, "not both"},
		"nobody to do it":         {func(c *submitCommand) { c.Concurrency = 0 }, "--concurrency: want 1 to"},
		"too many to do it":       {func(c *submitCommand) { c.Concurrency = maxConcurrency + 1 }, "--concurrency: want 1 to"},
		"a rate below nothing":    {func(c *submitCommand) { c.Rate = -1 }, "--rate"},
		"a rate that is no rate":  {func(c *submitCommand) { c.Rate = math.NaN() }, "--rate"},
		"a rate without a limit":  {func(c *submitCommand) { c.Rate = math.Inf(1) }, ""},
		"a rate of half a second": {func(c *submitCommand) { c.Rate = 0.5 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			command := good
			c.change(&command)
			err := command.validate()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
}

func TestSubmit_OneRequestSaysHowItEnded(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier)
	rejecting(s)
	r := command(t, at(s), flags("user_exists", "--key", "signup-1")...)
	r.succeeds(t, "1 stored, 0 not published", "       1  user_exists        User already exists")
	s.Expect(key("ada", "signup-1"), event.TypeFailed)
	// The same again is the same registration, and its outcome is found.
	command(t, at(s), flags("user_exists", "--key", "signup-1")...).succeeds(t, "1 stored, 0 not published", "       1  user_exists")
	if n := stored(t, s); n != 1 {
		t.Errorf("%d requests are stored", n)
	}
}

func TestSubmit_AFileIsSummedUp(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier)
	rejecting(s)
	names := make([]string, 0, 60)
	for i := range 60 {
		names = append(names, []string{"session_expired", "user_exists", "code_incorrect"}[i%3])
	}
	file := filepath.Join(t.TempDir(), "requests.ndjson")
	if err := os.WriteFile(file, []byte(lines(t, names...)), 0o600); err != nil {
		t.Fatal(err)
	}
	r := command(t, at(s), "submit", "--file", file)
	r.succeeds(t, "60 stored, 0 not published, in ", "      20  session_expired ", "      20  code_incorrect ", "      20  user_exists ")
	if r.err != "" {
		t.Errorf("stderr: %s", r.err) // no bar where nobody watches
	}
	commandWith(t, at(s), lines(t, "user_exists"), "submit", "-f", "-").succeeds(t, "1 stored")
	if n := stored(t, s); n != 61 {
		t.Errorf("%d requests are stored", n)
	}
}

func TestSubmit_GoesOnAfterWhatCannotBePublished(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier)
	rejecting(s)
	in := lines(t, "user_exists") + "nonsense\n" + strings.ReplaceAll(lines(t, "user_exists"), `"Code":"739154"`, `"Code":""`) + lines(t, "user_exists")
	r := commandWith(t, at(s), in, "submit", "-f", "-")
	r.fails(t, 1, "2 of 4 requests could not be published; the first: ", "line 2: want one JSON object", "line 3: Code: must have 1 to 16 characters")
	r.prints(t, "2 stored, 2 not published", "       2  user_exists")
	if strings.Contains(r.out+r.err, "sesame") {
		t.Error("a password is shown")
	}
	table := header + "\nada,a.b.c,739154,+49,sesame,user_exists\nbob,a.b.c\neve,,739154,+49,sesame,user_exists\n"
	r = commandWith(t, at(s), table, "submit", "-f", "-")
	r.fails(t, 1, "2 of 3 requests could not be published", "line 3: wrong number of fields", "line 4: Token: ")
	r.prints(t, "1 stored, 2 not published")
}

func TestSubmit_ShowsTheFirstErrorsAlone(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier)
	r := commandWith(t, at(s), strings.Repeat("nonsense\n", 50), "submit", "-f", "-", "--format", "ndjson")
	r.fails(t, 1, "50 of 50 requests could not be published")
	if n := strings.Count(r.err, "want one JSON object"); n != maxShown {
		t.Errorf("%d errors are shown", n)
	}
}

func TestSubmit_WithoutWaitingReturnsOnceAllAreStored(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier) // nobody ends the sagas
	r := commandWith(t, at(s), lines(t, "a", "b", "c"), "submit", "-f", "-", "--no-wait", "--concurrency", "2")
	r.succeeds(t, "3 stored, 0 not published")
	if n := stored(t, s); n != 3 {
		t.Errorf("%d requests are stored", n)
	}
}

func TestSubmit_SaysWhichOutcomesHaveNotCome(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier)
	rejecting(s)
	r := command(t, at(s), flags("Ada", "--key", "unanswered", "--timeout", "50ms")...)
	r.fails(t, 1, `1 outcomes have not come (--timeout 50ms): see "createuser watch <saga>"`)
	r.prints(t, "1 stored, 0 not published", "no outcome  saga unanswered")
}

func TestSubmit_StopsWhenItIsTold(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier)
	in, out, err := os.Pipe() // never ends by itself
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	defer in.Close()
	b := start(t, at(s), in, "submit", "-f", "-", "--format", "ndjson", "--no-wait", "--concurrency", "1")
	if _, err := out.WriteString(lines(t, "a", "b")); err != nil {
		t.Fatal(err)
	}
	waitStored(t, s, 2) // the second is published once the first is known to be stored
	b.stop()
	if _, err := out.WriteString(lines(t, "c", "d")); err != nil { // what is read next ends it
		t.Fatal(err)
	}
	if code := b.wait(t); code != 1 || !strings.Contains(b.err.String(), "context canceled") || !regexp.MustCompile(`\b[12] stored`).MatchString(b.out.String()) {
		t.Errorf("exit code %d; printed %s%s", code, b.out, b.err)
	}
}

// waitStored waits until a request is taken out of the inbox.
func waitStored(t testing.TB, s *sagatest.Server, n int) {
	t.Helper()
	consumer, err := s.JS().Consumer(t.Context(), event.StreamRequests, event.StepTokenVerifier)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		msg, err := consumer.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := msg.DoubleAck(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSubmit_KeepsToTheRate(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier)
	begun := time.Now()
	commandWith(t, at(s), lines(t, strings.Split("abcdefghijk", "")...), "submit", "-f", "-", "--no-wait", "--rate", "50").succeeds(t, "11 stored")
	if took := time.Since(begun); took < 10*time.Second/50 {
		t.Errorf("11 requests at 50/s took %s", took)
	}
}

func TestSubmit_RefusesBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier)
	wrong := filepath.Join(t.TempDir(), "wrong.csv")
	if err := os.WriteFile(wrong, []byte("Id,Sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		vars service.Vars
		args []string
		want string
	}{
		"a file that is not there":    {nil, []string{"submit", "-f", "/nowhere"}, "--file: open /nowhere"},
		"a folder":                    {nil, []string{"submit", "-f", "/", "--format", "csv"}, "--file: "},
		"a file with a wrong header":  {nil, []string{"submit", "-f", wrong}, "--file: column 2 of the header line"},
		"a key that is none":          {service.Vars{"SEAL_PUBLIC_KEY": "sesame"}, flags("Ada"), "SEAL_PUBLIC_KEY: public key: want"},
		"no key outside development":  {service.Vars{"CREATE_USER_MODE": "production"}, flags("Ada"), "SEAL_PUBLIC_KEY is not set"},
		"a request that is incorrect": {nil, []string{"submit", "--id", "ada", "--no-wait"}, "1 of 1 requests could not be published; the first: Token: must"},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			r := command(t, at(s).With(c.vars), c.args...)
			r.fails(t, 1, c.want)
			if strings.Contains(strings.ToLower(r.err), "sesame") {
				t.Errorf("a value is shown: %s", r.err)
			}
		})
	}
	if n := stored(t, s); n != 0 {
		t.Errorf("%d requests are stored", n)
	}
}

func TestCommands_NameTheRemedyWhereThereAreNoStreams(t *testing.T) {
	t.Parallel()
	_, vars := bareNATS(t)
	for name, args := range map[string][]string{
		"submit": flags("Ada"), "submit without waiting": flags("Ada", "--no-wait"), "watch": {"watch", "ada"}, "dlq list": {"dlq", "list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command(t, vars, args...).fails(t, 1, "createuser streams apply")
		})
	}
}

func TestCommands_NameTheServerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s, _ := bareNATS(t)
	address := s.ClientURL()
	s.Shutdown()
	s.WaitForShutdown()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // it would try for 5 s
	defer cancel()
	out, errs := newOutput(), newOutput()
	vars := withDefaults(service.Vars{"NATS_URL": strings.Replace(address, "://", "://ada:sesame@", 1)})
	code := run(ctx, []string{"dlq", "list"}, &tool{vars: vars, out: out, err: errs})
	ran{code, out.String(), errs.String()}.fails(t, 1, "NATS_URL: no NATS server answers at "+address, "createuser run")
	if strings.Contains(errs.String(), "sesame") {
		t.Errorf("a password is shown: %s", errs)
	}
	// A port that nobody listens on.
	command(t, service.Vars{"REDIS_URL": "redis://ada:sesame@" + strings.TrimPrefix(address, "nats://")}, "code", "ada").
		fails(t, 1, "REDIS_URL: no Redis answers at "+strings.TrimPrefix(address, "nats://"))
	command(t, service.Vars{"REDIS_URL": "http://sesame"}, "code", "ada").fails(t, 1, "REDIS_URL: want redis://")
}

func TestCommands_SayWhyTheServerRefuses(t *testing.T) {
	t.Parallel()
	_, vars := bareNATS(t, withPassword)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	errs := newOutput()
	code := run(ctx, []string{"dlq", "list"}, &tool{vars: withDefaults(vars), out: newOutput(), err: errs})
	ran{code, "", errs.String()}.fails(t, 1, "NATS_URL: no NATS server answers at ", "uthorization")
	command(t, vars.With(service.Vars{"NATS_USER": "ada", "NATS_PASSWORD": "right"}), "streams", "apply").succeeds(t, "created")
}

func TestOneOf_IsARequestOfNoLine(t *testing.T) {
	t.Parallel()
	requests, total, closeFile, err := submitCommand{ID: "ada", Token: "t", Code: "c", Phone: "p", Password: "pw", Username: "u", Image: "i", Key: "k"}.requests(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFile()
	for r, err := range requests {
		want := line{ID: "ada", Token: "t", Code: "c", Phone: "p", Password: "pw", Username: "u", Image: "i", Key: "k"}.registration()
		if diff := cmp.Diff(request{Registration: want}.Registration, r.Registration); diff != "" || r.line != 0 || err != nil || total != 1 {
			t.Errorf("line %d, %d in all, %v (-want +got):\n%s", r.line, total, err, diff)
		}
	}
}
