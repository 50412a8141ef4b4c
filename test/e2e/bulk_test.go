package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/create-user/create-user/test/e2e/harness"
)

// bulk is how many registrations the bulk test submits.
const bulk = 10_000

func TestSubmit_TenThousandRequestsAreTenThousandUsers(t *testing.T) {
	// No deadline may end a saga here, however slow the machine is.
	s := harness.Start(t, map[string]string{"LOG_LEVEL": "warn", "SAGA_DEADLINE": "1h"})
	file := filepath.Join(t.TempDir(), "requests.ndjson")
	requests := harness.MustCommand(t, s.Vars, "sample", fmt.Sprint(bulk), "--prefix", "bulk-")
	if err := os.WriteFile(file, []byte(requests), 0o600); err != nil {
		t.Fatal(err)
	}
	out := harness.MustCommand(t, s.Vars, "submit", "--file", file, "--timeout", "15m")
	for _, want := range []string{
		fmt.Sprintf("%d stored, 0 not published", bulk),
		fmt.Sprintf("%8d  created", bulk),
	} {
		if !strings.Contains(out, want) {
			t.Errorf("summary:\n%s\nwant %q", out, want)
		}
	}
	var rows int
	if err := s.Users.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM Users WHERE Id LIKE 'bulk-%'").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows != bulk {
		t.Errorf("%d rows, want %d", rows, bulk)
	}
	left, err := s.Redis.Keys(t.Context(), "bulk-*").Result()
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 0 {
		t.Errorf("%d codes are left", len(left))
	}
}
