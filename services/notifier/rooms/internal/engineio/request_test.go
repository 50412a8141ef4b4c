package engineio

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

// get makes a request as a page of origin would.
func get(t testing.TB, url, origin string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response
}

// dialFrom opens a websocket as a page of origin would and returns the status.
func dialFrom(t testing.TB, url, origin string) int {
	t.Helper()
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	address := "ws" + strings.TrimPrefix(url, "http") + enginetest.Path + "?EIO=4&transport=websocket"
	conn, answer, err := websocket.DefaultDialer.DialContext(t.Context(), address, header)
	if answer == nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if err == nil {
		_ = conn.Close()
	}
	return answer.StatusCode
}
