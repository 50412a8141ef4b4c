package standin_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/create-user/create-user/services/encryptor/standin"
)

const patience = 10 * time.Second

func start(t testing.TB) *standin.Server {
	t.Helper()
	server, err := standin.Start(t.Context(), "127.0.0.1:0", newStandin(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Shutdown(context.WithoutCancel(t.Context())) })
	return server
}

// host returns a server's host and port.
func host(t testing.TB, server *standin.Server) string {
	t.Helper()
	address, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	return address.Host
}

// begin sends a request's head, and returns when the stand-in reads its body.
func begin(t testing.TB, server *standin.Server, size int) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", host(t, server))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", size)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	line, err := in.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("got %q, %v", line, err)
	}
	if _, err := in.ReadString('\n'); err != nil { // the empty line
		t.Fatal(err)
	}
	return conn, in
}

// awaitRefusal returns when a server takes no more connections.
func awaitRefusal(t testing.TB, server *standin.Server) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", host(t, server))
		if err != nil {
			return
		}
		_ = conn.Close()
	}
	t.Fatal("the server still takes connections")
}

func TestServer_ShutdownFinishesWhatIsInHand(t *testing.T) {
	server := start(t)
	request := inEnvelope(plain)
	conn, in := begin(t, server, len(request))
	stopped := make(chan error, 1)
	go func() { stopped <- server.Shutdown(context.WithoutCancel(t.Context())) }()
	awaitRefusal(t, server)
	if _, err := conn.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("the request in hand was answered %d", res.StatusCode)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Errorf("a second Shutdown: %v", err)
	}
}

func TestServer_ShutdownDropsWhatTakesTooLong(t *testing.T) {
	server := start(t)
	_, in := begin(t, server, 1)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := server.Shutdown(ended); err == nil {
		t.Error("Shutdown did not say that it dropped a request")
	}
	if line, err := in.ReadString('\n'); err == nil {
		t.Errorf("the request was answered with %q", line)
	}
}

func TestStart_NamesAnAddressThatIsTaken(t *testing.T) {
	address := host(t, start(t))
	if _, err := standin.Start(t.Context(), address, newStandin(t)); err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("got %v, want an error that names %s", err, address)
	}
}
