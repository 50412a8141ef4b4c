package interop

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/create-user/create-user/test/e2e/harness"
)

// Nothing but npm around the services: codes by redis, tokens by jsonwebtoken, requests
// by nats without any header, and browsers by socket.io-client.
func TestUpstream_InJavaScriptRegistersUsers(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, map[string]string{"JWT_SECRET": secret, "NOTIFIER_AUTH": "off"})
	connection, err := json.Marshal(map[string]string{"nats": s.Vars["NATS_URL"], "redis": s.Vars["REDIS_URL"], "secret": secret})
	if err != nil {
		t.Fatal(err)
	}
	const users = 5
	arguments, ids := []string{string(connection)}, []string{s.Room}
	for user := range users {
		id := fmt.Sprintf("interop %d ü %s", user, t.Name())
		request, err := json.Marshal(map[string]string{
			"Id": id, "Code": "012345", "Phone": "+4915112345678", "Password": `correct & "horse"`, "Username": "Ädä", "Image": "",
		})
		if err != nil {
			t.Fatal(err)
		}
		arguments, ids = append(arguments, string(request)), append(ids, id)
	}
	heard := node(t, "listener.mjs", ids...)
	heard.await("all listeners", func(lines []string) bool { return len(lines) >= users })
	for _, ack := range node(t, "upstream.mjs", arguments...).wait() {
		t.Log(ack)
	}
	heard.await("all outcomes", func(lines []string) bool { return len(lines) >= 2*users })
	lines, _ := heard.printed()
	for _, line := range lines[users:] {
		var outcome struct {
			Message string
			Status  bool
		}
		if err := json.Unmarshal([]byte(line), &outcome); err != nil || !outcome.Status || outcome.Message != "User created successfully" {
			t.Errorf("heard %s", line)
		}
	}
	for _, id := range ids[1:] {
		var name string
		if err := s.Users.QueryRowContext(t.Context(), "SELECT Name FROM Users WHERE Id = ?", id).Scan(&name); err != nil || name != "Ädä" {
			t.Errorf("the row of %s: %q, %v", id, name, err)
		}
		if code, err := s.Redis.Exists(t.Context(), id).Result(); err != nil || code != 0 {
			t.Errorf("the code of %s is still there: %v", id, err)
		}
	}
}
