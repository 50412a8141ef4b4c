package soap_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/create-user/create-user/services/encryptor/soap"
)

// BenchmarkEncrypt is a call over loopback to the stand-in, whose share it
// includes.
func BenchmarkEncrypt(b *testing.B) {
	client := newClient(b, soap.Config{URL: serve(b, newStandin(b))})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Encrypt(b.Context(), phone, password); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncrypt_Parallel is the same from several callers at once.
func BenchmarkEncrypt_Parallel(b *testing.B) {
	client := newClient(b, soap.Config{URL: serve(b, newStandin(b))})
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := client.Encrypt(b.Context(), phone, password); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkEncrypt_WithoutNetwork is the client's own share: encoding, checking
// and decoding.
func BenchmarkEncrypt_WithoutNetwork(b *testing.B) {
	text := soapAnswer(strings.Repeat("A", 52), strings.Repeat("B", 52))
	client := soap.NewVia(soap.Config{URL: "http://service.test"}, transport(func(*http.Request) *http.Response {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(text))}
	}))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Encrypt(b.Context(), phone, password); err != nil {
			b.Fatal(err)
		}
	}
}
