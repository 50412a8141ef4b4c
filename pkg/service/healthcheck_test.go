package service_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/service"
)

func TestMain_Healthcheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		check  service.Check
		listen string
		want   string // empty: healthy
	}{
		"of a service that is ready":        {passes, "127.0.0.1", ""},
		"of one that listens on every host": {passes, "0.0.0.0", ""},
		"of one that is not ready":          {fails, "127.0.0.1", `not ready: {"redis":"it is away"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(health(map[string]service.Check{"redis": c.check}).Handler())
			defer server.Close()
			expectHealth(t, c.listen, server.Listener.Addr(), c.want)
		})
	}
	t.Run("of none", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		address := server.Listener.Addr()
		server.Close()
		expectHealth(t, "127.0.0.1", address, "METRICS_PORT: ")
	})
}

func expectHealth(t *testing.T, host string, address net.Addr, want string) {
	t.Helper()
	_, port, err := net.SplitHostPort(address.String())
	if err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "waits", service.Vars{"LISTEN_HOST": host, "METRICS_PORT": port}, "healthcheck").CombinedOutput()
	if (err == nil) != (want == "") || !strings.Contains(string(out), want) {
		t.Errorf("it ended with %v and said %q, want %q", err, out, want)
	}
}
