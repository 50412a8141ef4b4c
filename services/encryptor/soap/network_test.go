package soap_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/create-user/create-user/services/encryptor/soap"
)

// shortTimeout is for calls that must time out.
const shortTimeout = 100 * time.Millisecond

func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// droppingListener closes the connections it has accepted when told to.
type droppingListener struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn // guarded by mu
}

func (l *droppingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, conn)
	return conn, err
}

func (l *droppingListener) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		if conn != nil {
			_ = conn.Close()
		}
	}
	l.conns = nil
}

// rawServer answers each connection, once its request has begun, by calling
// answer, and then closes it. It returns the server's URL.
func rawServer(t testing.TB, answer func(net.Conn)) string {
	t.Helper()
	listener := listen(t)
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer func() { _ = conn.Close() }()
				if _, err := conn.Read(make([]byte, 4096)); err == nil {
					answer(conn)
				}
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); group.Wait() })
	return "http://" + listener.Addr().String()
}

// drip writes a byte at a time until the client goes away: each arrives in time,
// all together never do.
func drip(conn net.Conn) {
	ticker := time.NewTicker(shortTimeout / 20)
	defer ticker.Stop()
	for range ticker.C {
		if _, err := conn.Write([]byte(" ")); err != nil {
			return
		}
	}
}

func say(text string) func(net.Conn) {
	return func(conn net.Conn) { _, _ = io.WriteString(conn, text) }
}

const echo = password + phone

func TestEncrypt_WhatBreaksIsUnavailable(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 9999\r\n\r\n"
	for name, answer := range map[string]func(net.Conn){
		"closed without an answer":  func(net.Conn) {},
		"reset":                     func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) },
		"cut off in its head":       say(head[:20]),
		"cut off in its body":       say(head + soapAnswer("a", "b")),
		"reset in its body":         func(conn net.Conn) { say(head + "<")(conn); _ = conn.(*net.TCPConn).SetLinger(0) },
		"broken chunks":             say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + echo + "\r\n"),
		"not HTTP":                  say("220 " + echo + "\r\n"),
		"a broken status":           say("HTTP/1.1 " + echo + " OK\r\n\r\n"),
		"a broken header":           say("HTTP/1.1 200 OK\r\n" + echo + "\r\n\r\n"),
		"a broken length":           say("HTTP/1.1 200 OK\r\nContent-Length: " + echo + "\r\n\r\n"),
		"an unknown coding":         say("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + echo + "\r\n\r\n"),
		"headers without end":       say("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+echo+"\r\n", 2000) + "\r\n"),
		"interim answers only":      say(strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: "+echo+"\r\n\r\n", 2000)),
		"a status text that echoes": say("HTTP/1.1 503 " + echo + "\r\nContent-Length: 0\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, soap.Config{URL: rawServer(t, answer)}).Encrypt(t.Context(), phone, password)
			if got := kind(t, err); got != unavailable {
				t.Errorf("ends %s (%v)", got, err)
			}
			quotesNothing(t, err)
		})
	}
}

func TestEncrypt_TheTimeoutBoundsTheWholeCall(t *testing.T) {
	silent := listen(t) // the system takes the connection and nobody reads
	for name, url := range map[string]string{
		"an answer that never comes":  rawServer(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }),
		"a head that drips":           rawServer(t, func(conn net.Conn) { say("HTTP/1.1 200 OK\r\nX: ")(conn); drip(conn) }),
		"a body that drips":           rawServer(t, func(conn net.Conn) { say("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")(conn); drip(conn) }),
		"a connection nobody accepts": "http://" + silent.Addr().String(),
		"TLS that never begins":       "https://" + silent.Addr().String(),
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			_, err := newClient(t, soap.Config{URL: url, Timeout: shortTimeout}).Encrypt(t.Context(), phone, password)
			if got := kind(t, err); got != unavailable {
				t.Errorf("ends %s (%v)", got, err)
			}
			if took := time.Since(begun); took < shortTimeout || took > patience/2 {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestEncrypt_NobodyThereIsUnavailable(t *testing.T) {
	closed := listen(t)
	_ = closed.Close()
	address := closed.Addr().String()
	_, err := newClient(t, soap.Config{URL: "http://" + address}).Encrypt(t.Context(), phone, password)
	if got := kind(t, err); got != unavailable || !strings.Contains(err.Error(), address) {
		t.Errorf("ends %s (%v), want the address in it", got, err)
	}
}

func TestEncrypt_NeverReadsOrInflatesMoreThanItsLimit(t *testing.T) {
	const limit, sent = 4096, 64 << 20
	var bomb bytes.Buffer
	squeeze := gzip.NewWriter(&bomb)
	if _, err := squeeze.Write(bytes.Repeat([]byte(" "), 8<<20)); err != nil {
		t.Fatal(err)
	}
	if err := squeeze.Close(); err != nil {
		t.Fatal(err)
	}
	for name, handler := range map[string]http.HandlerFunc{
		"a huge body": func(w http.ResponseWriter, _ *http.Request) {
			block, written := bytes.Repeat([]byte(" "), 1<<16), 0
			for written < sent {
				n, err := w.Write(block)
				written += n
				if err != nil {
					return
				}
			}
			t.Error("all of it was read")
		},
		"a gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		},
		"one byte too many": func(w http.ResponseWriter, _ *http.Request) {
			text := soapAnswer("a", "b")
			_, _ = io.WriteString(w, text+strings.Repeat(" ", limit+1-len(text)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, soap.Config{URL: serve(t, handler), MaxResponse: limit}).Encrypt(t.Context(), phone, password)
			if got := kind(t, err); got != unusable {
				t.Errorf("ends %s (%v)", got, err)
			}
		})
	}
	t.Run("just the limit is read", func(t *testing.T) {
		text := soapAnswer("a", "b")
		url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, text+strings.Repeat(" ", limit-len(text)))
		}))
		if _, err := newClient(t, soap.Config{URL: url, MaxResponse: limit}).Encrypt(t.Context(), phone, password); err != nil {
			t.Error(err)
		}
	})
}

func TestEncrypt_DoesNotFollowRedirects(t *testing.T) {
	var followed atomic.Int64
	elsewhere := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		followed.Add(1)
		_, _ = io.WriteString(w, soapAnswer("a", "b"))
	}))
	for _, status := range []int{101, 301, 302, 303, 307, 308} {
		for _, target := range []string{elsewhere, "http://%" + echo} {
			t.Run(fmt.Sprint(status, " to ", target), func(t *testing.T) {
				client := newClient(t, soap.Config{URL: rawServer(t,
					say(fmt.Sprintf("HTTP/1.1 %d %s\r\nUpgrade: x\r\nConnection: close\r\nLocation: %s\r\n\r\n", status, echo, target)))})
				_, err := client.Encrypt(t.Context(), phone, password)
				if got := kind(t, err); got != unusable {
					t.Errorf("ends %s (%v)", got, err)
				}
				quotesNothing(t, err)
			})
		}
	}
	if followed.Load() != 0 {
		t.Error("the values were sent elsewhere")
	}
}

func TestEncrypt_OverTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(newStandin(t))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for name, c := range map[string]struct {
		config soap.Config
		want   string
	}{
		"a trusted service is asked":         {soap.Config{URL: server.URL, TLS: &tls.Config{RootCAs: roots}}, encrypted},
		"an untrusted service is not":        {soap.Config{URL: server.URL}, unavailable},
		"nor one with another name":          {soap.Config{URL: server.URL, TLS: &tls.Config{RootCAs: roots, ServerName: "other.test"}}, unavailable},
		"nor one that speaks an old version": {soap.Config{URL: server.URL, TLS: &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS10}}, unavailable},
		"nor one that speaks no TLS":         {soap.Config{URL: strings.Replace(serve(t, newStandin(t)), "http:", "https:", 1)}, unavailable},
		"nor is TLS spoken to by HTTP":       {soap.Config{URL: strings.Replace(server.URL, "https:", "http:", 1)}, unusable},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, c.config).Encrypt(t.Context(), phone, password)
			if got := kind(t, err); got != c.want {
				t.Errorf("ends %s (%v), want %s", got, err, c.want)
			}
		})
	}
}
