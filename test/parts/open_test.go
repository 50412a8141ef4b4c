package parts

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sessionWith returns a session that sees only this environment, and is closed
// with the test.
func sessionWith(t *testing.T, env map[string]string) *session {
	t.Helper()
	s := newSession(func(name string) string { return env[name] })
	t.Cleanup(func() {
		if err := s.close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return s
}

func TestOpen_TakesTheAddressFromTheEnvironment(t *testing.T) {
	running := Redis(t)
	s := sessionWith(t, map[string]string{"TEST_REDIS_URL": running.URL})
	got, err := s.redis()
	if err != nil {
		t.Fatal(err)
	}
	if got.Addr != running.Addr || got.url != running.URL {
		t.Errorf("got %s, %s; want %s, %s", got.Addr, got.url, running.Addr, running.URL)
	}
	if err := s.close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := pingRedis(t.Context(), running.URL); err != nil {
		t.Errorf("the session has ended a server that is not its own: %v", err)
	}
}

func TestOpen_NeverEchoesTheAddressItIsGiven(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"malformed Redis URL":   {"TEST_REDIS_URL": "redis://user:hunter2@host:%%"},
		"malformed MariaDB DSN": {"TEST_MYSQL_DSN": "user:hunter2@tcp(host"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sessionWith(t, env)
			open, variable := s.redis, "TEST_REDIS_URL"
			if env[variable] == "" {
				open, variable = s.mariaDB, "TEST_MYSQL_DSN"
			}
			_, err := open()
			if err == nil || !strings.Contains(err.Error(), variable) {
				t.Fatalf("error %v; want one that names %s", err, variable)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error holds the password: %v", err)
			}
		})
	}
}

func TestOpen_FallsOnToBinaries(t *testing.T) {
	for name, c := range map[string]struct{ host, note string }{
		"when no Docker engine answers":            {"unix://" + filepath.Join(t.TempDir(), "none"), "no Docker engine answers"},
		"when the image is nowhere":                {engineWithoutImages(t), "pulling the image redis:7"},
		"when what answers is not a Docker engine": {"tcp://" + silentListener(t), "no Docker engine answers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", c.host)
			server, err := sessionWith(t, nil).redis()
			if err != nil {
				t.Fatal(err)
			}
			notes := strings.Join(server.notes, "\n")
			if !strings.Contains(notes, c.note) || !strings.Contains(notes, "Redis from binaries") {
				t.Errorf("notes %q; want %q and the flavour taken", notes, c.note)
			}
		})
	}
}

func TestOpen_NamesTheRemedyWhenNothingWorks(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "none"))
	s := sessionWith(t, nil)
	s.look = func(name string) (string, error) { return "", errors.New("this machine has no " + name) }
	for name, c := range map[string]struct {
		open func() (*Server, error)
		want []string
	}{
		"Redis":   {s.redis, []string{"redis-server", "apt-get install -y redis-server", "TEST_REDIS_URL"}},
		"MariaDB": {s.mariaDB, []string{"mariadbd", "apt-get install -y mariadb-server", "TEST_MYSQL_DSN"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.open()
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestStartProcess_ShowsTheLastWordsOfAServerThatEnds(t *testing.T) {
	p := redisPart()
	p.args = func(string, int) []string { return []string{"--no-such-setting", "1"} }
	_, err := sessionWith(t, map[string]string{flavourVariable: "binaries"}).open(t.Context(), p, false)
	if err == nil || !strings.Contains(err.Error(), "no-such-setting") {
		t.Errorf("error %v; want the server's own complaint", err)
	}
}

// engineWithoutImages is a Docker engine that answers and has no image and no
// way to a registry. It returns its DOCKER_HOST.
func engineWithoutImages(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/_ping"), strings.HasSuffix(r.URL.Path, "/info"):
			w.Header().Set("Api-Version", "1.41")
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("{}"))
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("[]"))
		case strings.HasSuffix(r.URL.Path, "/images/create"):
			http.Error(w, `{"message":"no route to the registry"}`, http.StatusInternalServerError)
		default:
			http.Error(w, `{"message":"not found"}`, http.StatusNotFound)
		}
	})
	folder, err := os.MkdirTemp("", "engine-") //nolint:usetesting // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	socket := filepath.Join(folder, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: probeTimeout}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-served })
	return "unix://" + socket
}

// silentListener accepts connections and never answers. It returns its address.
func silentListener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}
