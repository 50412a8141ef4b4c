package interop

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/test/parts"
)

// examples holds what docs/publishing.md shows.
const examples = "../../../docs/examples/"

// publishers are the examples' command lines, but for the key and the request.
func publishers(t *testing.T) map[string][]string {
	t.Helper()
	// Node.js looks for packages beside the script.
	text, err := os.ReadFile(examples + "publish.mjs")
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(folder, "example-publish.mjs")
	if err := os.WriteFile(script, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(script) })
	return map[string][]string{
		"Go":      {"go", "run", examples + "publish.go"},
		"Node.js": {parts.Node(t, folder), script},
		"Python":  {"python3", examples + "publish.py"},
	}
}

func TestExamples_PublishOneRequestHoweverOftenTheyRun(t *testing.T) {
	t.Parallel()
	for name, command := range publishers(t) {
		t.Run(name, func(t *testing.T) {
			s := sagatest.New(t) // no service takes the request
			request := event.Requested{
				ID: "ada ü", Token: "a token", Code: "012345", Phone: "+4915112345678", Password: `correct & "horse"`, Username: "Ädä",
			}
			data, err := json.Marshal(map[string]string{
				"Id": request.ID, "Token": request.Token, "Code": request.Code, "Phone": request.Phone,
				"Password": request.Password, "Username": request.Username, "Image": "",
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], "signup-1", string(data))...)
				cmd.Env = append(os.Environ(), "NATS_URL="+s.URL(), "SEAL_PUBLIC_KEY="+service.DevSealPublicKey)
				out, err := cmd.CombinedOutput()
				if err != nil || !strings.HasPrefix(string(out), "stored") {
					t.Fatalf("%v: %s", err, out)
				}
			}
			stream, err := s.JS().Stream(t.Context(), event.StreamRequests)
			if err != nil {
				t.Fatal(err)
			}
			if n := stream.CachedInfo().State.Msgs; n != 1 {
				t.Fatalf("%d requests are stored, want 1", n)
			}
			stored, err := stream.GetMsg(t.Context(), stream.CachedInfo().State.FirstSeq)
			if err != nil {
				t.Fatal(err)
			}
			check(t, stored, request)
		})
	}
}

// check fails the test unless a message is the request, in clear or sealed.
func check(t *testing.T, msg *jetstream.RawStreamMsg, want event.Requested) {
	t.Helper()
	if id := msg.Header.Get(event.HeaderMsgID); id != "signup-1" {
		t.Errorf("its id is %q", id)
	}
	got, err := event.DecodeRequested(msg.Data)
	if err != nil {
		t.Fatal(err)
	}
	if got.Phone == "" { // sealed
		want.Phone, want.Password = "", ""
	}
	of := func(r event.Requested) string {
		return fmt.Sprint(r.ID, r.Token, r.Code, r.Phone, r.Password, r.Username)
	}
	if of(got) != of(want) {
		t.Errorf("stored %s, want %s", of(got), of(want))
	}
}
