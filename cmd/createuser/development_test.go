package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/token"
)

func TestDevelopment_NothingOfItWorksElsewhere(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"code", "ada"}, {"token", "ada"}, {"sample", "1"}} {
		t.Run(args[0], func(t *testing.T) {
			r := command(t, service.Vars{"CREATE_USER_MODE": "production", "JWT_SECRET": strings.Repeat("s", 32)}, args...)
			r.fails(t, 1, `CREATE_USER_MODE is "production"`)
			if r.out != "" {
				t.Errorf("printed: %s", r.out)
			}
			command(t, service.Vars{"CREATE_USER_MODE": "production", "JWT_SECRET": service.DevJWTSecret, "ENCRYPT_KEY": service.DevEncryptKey}, args...).fails(t, 1, "")
		})
	}
}

// verifyToken fails the test unless the token is a good one of the Id.
func verifyToken(t testing.TB, secret, signed, id string) {
	t.Helper()
	verifier, err := token.Settings{Secret: secret}.Verifier(t.Context(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer verifier.Close()
	if err := verifier.Verify(t.Context(), signed, id); err != nil {
		t.Errorf("token of %s: %v", id, err)
	}
}

func TestToken_IsPrintedAlone(t *testing.T) {
	t.Parallel()
	r := command(t, nil, "token", "ada lovelace")
	r.succeeds(t)
	if !regexp.MustCompile(`^[\w-]+\.[\w-]+\.[\w-]+\n$`).MatchString(r.out) {
		t.Fatalf("printed: %q", r.out)
	}
	verifyToken(t, service.DevJWTSecret, strings.TrimSpace(r.out), "ada lovelace")
	mine := strings.Repeat("mine", 8)
	verifyToken(t, mine, strings.TrimSpace(command(t, service.Vars{"JWT_SECRET": mine}, "token", "ada").out), "ada")
}

func redisServer(t testing.TB) (*miniredis.Miniredis, service.Vars) {
	t.Helper()
	r := miniredis.RunT(t)
	return r, service.Vars{"REDIS_URL": "redis://" + r.Addr() + "/0"}
}

func TestCode_IsStoredAndPrintedAlone(t *testing.T) {
	t.Parallel()
	r, vars := redisServer(t)
	printed := command(t, vars, "code", "ada")
	printed.succeeds(t)
	if !regexp.MustCompile(`^\d{6}\n$`).MatchString(printed.out) {
		t.Errorf("printed: %q", printed.out)
	}
	if got, err := r.Get("ada"); err != nil || got+"\n" != printed.out || r.TTL("ada") != 10*time.Minute {
		t.Errorf("stored %q for %s: %v", got, r.TTL("ada"), err)
	}
	command(t, vars, "code", "bob", "--code", "abc", "--ttl", "5s").succeeds(t, "abc\n")
	if got, err := r.Get("bob"); err != nil || got != "abc" || r.TTL("bob") != 5*time.Second {
		t.Errorf("stored %q for %s: %v", got, r.TTL("bob"), err)
	}
	command(t, vars, "code", "create-user:claim:{ada}").fails(t, 1, "no code can be stored")
	command(t, vars, "code", "ada", "--ttl=-1s").fails(t, 1, "TTL")
}

func TestSample_WritesRequestsThatCanBeSubmitted(t *testing.T) {
	t.Parallel()
	r, vars := redisServer(t)
	printed := command(t, vars, "sample", "3", "--prefix", "p-", "--image-size", "10")
	printed.succeeds(t)
	s, err := readRequests(strings.NewReader(printed.out), "", "auto")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for request, err := range s {
		if n++; err != nil {
			t.Fatal(err)
		}
		if err := (event.Requested{
			ID: request.ID, Token: request.Token, Code: request.Code, Phone: request.Phone, Password: request.Password,
			Username: request.Username, Image: event.Image{Inline: request.Image},
		}).Validate(); err != nil {
			t.Error(err)
		}
		if code, err := r.Get(request.ID); request.ID != fmt.Sprint("p-", n) || err != nil || code != request.Code || len(request.Image) != 10 {
			t.Errorf("request %d is of %s, with an image of %d bytes; its code %v", n, request.ID, len(request.Image), err)
		}
		verifyToken(t, service.DevJWTSecret, request.Token, request.ID)
	}
	if n != 3 {
		t.Errorf("%d requests", n)
	}
	for _, args := range [][]string{{"0"}, {"1", "--image-size=-1"}, {"1", "--image-size", fmt.Sprint(event.MaxImage + 1)}} {
		command(t, vars, append([]string{"sample"}, args...)...).fails(t, 1, "want a count of at least 1")
	}
}

func TestDevelopment_ASecretMayStandInAFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "secret")
	writeFile(t, file, strings.Repeat("file", 8)+"\n")
	r := command(t, service.Vars{"JWT_SECRET_FILE": file}, "token", "ada")
	r.succeeds(t)
	verifyToken(t, strings.Repeat("file", 8), strings.TrimSpace(r.out), "ada")
}

func TestMigrate_NamesTheSettingThatIsMissing(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"migrate", "up"}, {"migrate", "status"}, {"user", "ada"}} {
		command(t, service.Vars{"CREATE_USER_MODE": "production"}, args...).fails(t, 1, "MYSQL_HOST")
	}
}

func TestLine_OfASampleKeepsItsNames(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(line{ID: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Id", "Token", "Code", "Phone", "Password", "Username", "Image", "Key"} {
		if !strings.Contains(string(data), `"`+name+`":`) {
			t.Errorf("%s is missing in %s", name, data)
		}
	}
}
