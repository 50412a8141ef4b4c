package event_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
)

// The first bytes of each kind of image, as file formats define them.
func imageBytes() map[string]string {
	return map[string]string{
		"png": "\x89PNG\r\n\x1a\n", "jpeg": "\xff\xd8\xff\xe0", "gif": "GIF89a", "webp": "RIFF\x00\x00\x00\x00WEBPVP8 ", "bmp": "BM",
	}
}

func dataURL(kind, bytes string) string {
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString([]byte(bytes))
}

func TestCheckImage_DataURLMustHoldTheKindThatItNames(t *testing.T) {
	for named := range imageBytes() {
		for kind, bytes := range imageBytes() {
			err := event.CheckImage(dataURL("image/"+named, bytes))
			if named == kind {
				wantIs(t, err, nil)
			} else {
				wantIs(t, err, event.ErrImage)
			}
		}
	}
}

func TestCheckImage_AcceptsWhatIsAnImageOrNoDataURL(t *testing.T) {
	png := imageBytes()["png"]
	for name, image := range map[string]string{
		"nothing":                        "",
		"a file name":                    "ada.png",
		"an address":                     "https://example.com/data:text/html,x",
		"base64 without a URL":           base64.StdEncoding.EncodeToString([]byte(png)),
		"bytes that are no text":         png,
		"a word that begins like a URL":  "data",
		"a URL in upper case":            strings.Replace(dataURL("image/PNG", png), "data:", "DATA:", 1),
		"a parameter before base64":      dataURL("image/png;name=ada", png),
		"base64 in upper case":           strings.Replace(dataURL("image/png", png), "base64", "BASE64", 1),
		"an image without base64":        "data:image/svg+xml,%3Csvg/%3E",
		"a kind that cannot be sniffed":  dataURL("image/svg+xml", "<svg/>"),
		"the misnomer jpg":               dataURL("image/jpg", imageBytes()["jpeg"]),
		"1 MiB":                          strings.Repeat("x", event.MaxImage),
		"line breaks within base64":      "data:image/gif;base64,R0lG\r\nODlh",
		"white space where browsers may": " data: image/gif ; base64 ,R0lGODlh",
	} {
		t.Run(name, func(t *testing.T) { wantIs(t, event.CheckImage(image), nil) })
	}
}

func TestCheckImage_RefusesWhatIsNotWhatItSays(t *testing.T) {
	png, html := imageBytes()["png"], "<html><script>alert(1)</script>"
	for name, image := range map[string]string{
		"a byte more than 1 MiB":       strings.Repeat("x", event.MaxImage+1),
		"a page as an image":           dataURL("image/png", html),
		"a page in upper case":         dataURL("image/PNG", html),
		"a page, base64 in upper case": strings.Replace(dataURL("image/png", html), "base64", "Base64", 1),
		"a page, base64 with spaces":   strings.Replace(dataURL("image/png", html), "base64", " base64 ", 1),
		"a page, a parameter before":   dataURL("image/png;x=y", html),
		"a page, white space before":   " \t" + dataURL("image/png", html),
		"an image without bytes":       dataURL("image/png", ""),
		"a data URL of a page":         dataURL("text/html", html),
		"the same without base64":      "data:text/html," + html,
		"the same in upper case":       "DATA:text/html," + html,
		"the same without a kind":      "data:," + html,
		"an image named as bytes":      dataURL("application/octet-stream", png),
		"an image named as a page":     dataURL("text/html;image/png", png),
		"no comma":                     "data:image/png;base64",
		"no base64":                    "data:image/png;base64,!!!!",
		"base64 cut off":               strings.TrimRight(dataURL("image/png", png), "="),
		"base64 of another alphabet":   "data:image/png;base64,iVBORw0KGgo-_w==",
	} {
		t.Run(name, func(t *testing.T) { wantIs(t, event.CheckImage(image), event.ErrImage) })
	}
}

func TestDecodeRequested_ImageThatIsNotWhatItSaysIsRefused(t *testing.T) {
	for name, image := range map[string]any{
		"jpeg bytes named png":  dataURL("image/png", imageBytes()["jpeg"]),
		"a page":                "data:text/html,<p>",
		"bad base64":            "data:image/png;base64,!",
		"an empty claim":        fields{},
		"a claim without a ref": fields{"size": 1, "sha256": strings.Repeat("0", 64)},
	} {
		t.Run(name, func(t *testing.T) { refused(t, clearFields().with("Image", image), "Image") })
	}
}

func TestImageClaim_LimitsInARequest(t *testing.T) {
	valid := event.NewImageClaim("saga-1", []byte("x"))
	for _, c := range []struct {
		name   string
		change func(*event.ImageClaim)
		ok     bool
	}{
		{"as it is made", func(*event.ImageClaim) {}, true},
		{"of 1 MiB", func(c *event.ImageClaim) { c.Size = event.MaxImage }, true},
		{"of a byte more", func(c *event.ImageClaim) { c.Size = event.MaxImage + 1 }, false},
		{"of nothing", func(c *event.ImageClaim) { c.Size = 0 }, false},
		{"of less than nothing", func(c *event.ImageClaim) { c.Size = -1 }, false},
		{"without a ref", func(c *event.ImageClaim) { c.Ref = "" }, false},
		{"with another object's path", func(c *event.ImageClaim) { c.Ref = "../x" }, false},
		{"with a wildcard", func(c *event.ImageClaim) { c.Ref = ">" }, false},
		{"without a checksum", func(c *event.ImageClaim) { c.SHA256 = "" }, false},
		{"with half a checksum", func(c *event.ImageClaim) { c.SHA256 = c.SHA256[:32] }, false},
		{"with a checksum that is not hex", func(c *event.ImageClaim) { c.SHA256 = strings.Repeat("g", 64) }, false},
		// Check would never accept it, however right the bytes.
		{"with a checksum in upper case", func(c *event.ImageClaim) { c.SHA256 = strings.ToUpper(c.SHA256) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			claim := valid
			c.change(&claim)
			request := clearFields().with("Image", claim)
			if !c.ok {
				refused(t, request, "Image")
				return
			}
			got, err := event.DecodeRequested(request.json(t))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(event.Image{Claim: &claim}, got.Image); diff != "" {
				t.Errorf("(-sent +read):\n%s", diff)
			}
		})
	}
}

func TestImageClaim_ChecksTheBytes(t *testing.T) {
	image := []byte("the image")
	claim := event.NewImageClaim("saga-1", image)
	// printf 'the image' | sha256sum
	want := event.ImageClaim{Ref: "saga-1", Size: 9, SHA256: "97e9d7a16021e6d07fbe28cce398f5847fc00c574991fbff65d95fd5e032d389"}
	if claim != want {
		t.Errorf("got %+v", claim)
	}
	wantIs(t, claim.Check(image), nil)
	for name, other := range map[string][]byte{
		"nothing": nil, "one byte less": image[1:], "one byte more": append([]byte("x"), image...), "another byte": []byte("The image"),
	} {
		t.Run(name, func(t *testing.T) { wantIs(t, claim.Check(other), event.ErrImage) })
	}
}

func TestImage_JSONForms(t *testing.T) {
	claim := event.ImageClaim{Ref: "saga-1", Size: 3, SHA256: "ab"}
	for text, want := range map[string]event.Image{
		`"data:,x"`: {Inline: "data:,x"},
		`""`:        {},
		`{"ref":"saga-1","size":3,"sha256":"ab"}`: {Claim: &claim},
	} {
		var got event.Image
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +read):\n%s", text, diff)
		}
		if data, err := json.Marshal(got); err != nil || string(data) != text {
			t.Errorf("%s is written as %s, %v", text, data, err)
		}
	}
}

func TestImage_ReadsOverWhatWasThere(t *testing.T) {
	image := event.Image{Inline: "old"}
	for _, text := range []string{"null", `{"ref":"r"}`, `""`, " \n null"} {
		if err := json.Unmarshal([]byte(text), &image); err != nil {
			t.Fatal(err)
		}
		if isObject := strings.HasPrefix(text, "{"); image.Inline != "" || (image.Claim != nil) != isObject {
			t.Errorf("after %s: %+v", text, image)
		}
	}
}

func TestImage_RefusesOtherJSON(t *testing.T) {
	for _, text := range []string{"5", "true", `["x"]`, `{"size":"3"}`, `{"ref":5}`} {
		var image event.Image
		if err := json.Unmarshal([]byte(text), &image); err == nil {
			t.Errorf("%s is read as %+v", text, image)
		}
	}
}
