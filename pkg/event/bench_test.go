package event_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/create-user/create-user/pkg/event"
)

func BenchmarkSeal(b *testing.B) {
	sealer := event.NewSealer(newKey(b, "a").Public())
	b.ReportAllocs()
	for b.Loop() {
		seal(b, sealer, credentials())
	}
}

func BenchmarkSeal_NewDataKey(b *testing.B) {
	public := newKey(b, "a").Public()
	for b.Loop() {
		seal(b, event.NewSealer(public), credentials())
	}
}

func BenchmarkOpen(b *testing.B) {
	key := newKey(b, "a")
	sealed, opener := seal(b, event.NewSealer(key.Public()), credentials()), event.NewOpener(key)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := opener.Open(sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen_NewDataKey(b *testing.B) {
	key := newKey(b, "a")
	sealed := seal(b, event.NewSealer(key.Public()), credentials())
	for b.Loop() {
		if _, err := event.NewOpener(key).Open(sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeRequested(b *testing.B) {
	png := append([]byte(imageBytes()["png"]), bytes.Repeat([]byte{1}, 700_000)...)
	for name, data := range map[string][]byte{
		"clear":           clearFields().json(b),
		"sealed":          sealedFields().json(b),
		"data URL":        clearFields().with("Image", "data:image/png;base64,"+base64.StdEncoding.EncodeToString(png)).json(b),
		"text of 1 MiB":   clearFields().with("Image", strings.Repeat("x", event.MaxImage)).json(b),
		"nested 9000":     []byte(`{"Id":"x","x":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}"),
		"1 MiB of fields": []byte(`{"Id":"x"` + strings.Repeat(`,"Id":"x"`, 110_000) + "}"),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if r, _ := event.DecodeRequested(data); r.ID == "" {
					b.Fatal("not decoded")
				}
			}
		})
	}
}

func BenchmarkMeta(b *testing.B) {
	m := event.Meta{
		ID: "0123456789abcdef.token-verified", Source: "/create-user/token-verifier", Type: event.TypeTokenVerified,
		Time: time.Unix(1, 2), Saga: "0123456789abcdef", Deadline: time.Unix(3, 4), Causation: "0123456789abcdef.requested",
		TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
	b.Run("Header", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Header()
		}
	})
	h := m.Header()
	b.Run("ParseMeta", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := event.ParseMeta(h); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCodec reads and writes an event with an image of 1 KiB.
func BenchmarkCodec(b *testing.B) {
	sealed := seal(b, event.NewSealer(newKey(b, "a").Public()), credentials())
	body := event.TokenVerified{ID: "ada", Code: "123456", Sealed: sealed, Username: "Ada", Image: event.Image{Inline: strings.Repeat("x", 1<<10)}}
	data, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var body event.TokenVerified
			if err := json.Unmarshal(data, &body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
