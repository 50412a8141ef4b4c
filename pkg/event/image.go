package event

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-json-experiment/json/v1"
)

// InlineImage is the largest image, in bytes, that travels inside an event. A
// larger one is a claim check: its bytes lie in [BucketImages].
const InlineImage = 16 << 10

// MaxImage is the largest image in bytes.
const MaxImage = 1 << 20

// Image is a user's picture as the upstream service sent it: any text, usually
// a data URL, or empty. In JSON it is a string, or a claim check as an object.
type Image struct {
	Inline string
	Claim  *ImageClaim // when set, Inline is empty
}

// ImageClaim says where the bytes of a large image lie and what they must be.
type ImageClaim struct {
	Ref    string `json:"ref"`    // the object's name in BucketImages: the id of the saga it came with
	Size   int    `json:"size"`   // in bytes
	SHA256 string `json:"sha256"` // in lower-case hex
}

// NewImageClaim returns the claim check of image under the name ref.
func NewImageClaim(ref string, image []byte) ImageClaim {
	sum := sha256.Sum256(image)
	return ImageClaim{Ref: ref, Size: len(image), SHA256: hex.EncodeToString(sum[:])}
}

// ErrImage is wrapped by every error about an image that is not what it says.
var ErrImage = errors.New("image is not what it says")

// Check reports whether image is what c says. It fails with [ErrImage].
func (c ImageClaim) Check(image []byte) error {
	if got := NewImageClaim(c.Ref, image); got != c {
		return fmt.Errorf("%w: %d bytes stored, %d claimed, or another checksum", ErrImage, got.Size, c.Size)
	}
	return nil
}

// validate checks the claim's form; the bytes are checked when they are fetched.
func (c ImageClaim) validate() error {
	sum, err := hex.DecodeString(c.SHA256)
	switch {
	case !ValidSagaID(c.Ref):
		return errors.New("ref must be a saga id")
	case c.Size < 1 || c.Size > MaxImage:
		return fmt.Errorf("size must be 1 to %d", MaxImage)
	case err != nil || len(sum) != sha256.Size || hex.EncodeToString(sum) != c.SHA256:
		return errors.New("sha256 must be 64 lower-case hex digits")
	}
	return nil
}

// MarshalJSONTo implements json.MarshalerTo.
func (i Image) MarshalJSONTo(to *jsontext.Encoder) error {
	if i.Claim != nil {
		return jsonv2.MarshalEncode(to, i.Claim)
	}
	return jsonv2.MarshalEncode(to, i.Inline)
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom: a string, an object, or
// null for no image.
func (i *Image) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	*i = Image{}
	if from.PeekKind() == '{' {
		i.Claim = new(ImageClaim)
		return jsonv2.UnmarshalDecode(from, i.Claim)
	}
	return jsonv2.UnmarshalDecode(from, &i.Inline)
}

// MarshalJSON implements json.Marshaler, for encoding/json before Go 1.27.
func (i Image) MarshalJSON() ([]byte, error) { return json.Marshal(i) }

// UnmarshalJSON implements json.Unmarshaler, for encoding/json before Go 1.27.
func (i *Image) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, i) }

// CheckImage reports whether the text of an image is acceptable: at most
// [MaxImage] bytes, and, when it is a data URL, one that names an image and, in
// base64, whose bytes are the kind that it names. Any other text is taken as it
// is, since the replaced service stored whatever it was given. It fails with
// [ErrImage].
func CheckImage(image string) error {
	if len(image) > MaxImage {
		return fmt.Errorf("%w: more than %d bytes", ErrImage, MaxImage)
	}
	scheme, rest, hasScheme := strings.Cut(image, ":")
	if !hasScheme || !same(scheme, "data") {
		return nil
	}
	header, data, ok := strings.Cut(rest, ",")
	if !ok {
		return fmt.Errorf("%w: a data URL without a comma", ErrImage)
	}
	kind, parameters, _ := strings.Cut(header, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if !strings.HasPrefix(kind, "image/") {
		return fmt.Errorf("%w: a data URL that does not name an image", ErrImage)
	}
	if !same(parameters[strings.LastIndex(parameters, ";")+1:], "base64") {
		return nil
	}
	return checkKind(kind, data)
}

// same compares parts of a URL as browsers read them: in any case, and with
// white space around them.
func same(s, name string) bool { return strings.EqualFold(strings.TrimSpace(s), name) }

// checkKind compares the kind that a base64 data URL names with what its bytes
// are, as far as the WHATWG sniffing table that net/http follows can tell.
func checkKind(kind, data string) error {
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return fmt.Errorf("%w: its base64 cannot be decoded", ErrImage)
	}
	switch kind {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp":
		if got := http.DetectContentType(raw); got != kind {
			return fmt.Errorf("%w: its bytes are not those of %s", ErrImage, kind)
		}
	}
	return nil
}
