package harness

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/encryptor/standin"
)

// faulty answers with a SOAP fault for FaultyPhone and passes all else on.
func faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if !bytes.Contains(body, []byte(FaultyPhone)) {
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>`+
			`<soap:Fault><faultcode>soap:Server</faultcode><faultstring>cannot encrypt</faultstring></soap:Fault>`+
			`</soap:Body></soap:Envelope>`)
	})
}

// EncryptionService serves the stand-in; for FaultyPhone it answers with a fault.
func EncryptionService(t testing.TB) string {
	t.Helper()
	handler, err := standin.New([]byte(service.DevEncryptKey))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(faulty(handler))
	t.Cleanup(server.Close)
	return server.URL
}
