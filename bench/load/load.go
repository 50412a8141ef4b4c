// Package load prepares registrations before any clock starts: who, with which
// token and code, and an image of which size.
package load

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/token"
	"github.com/create-user/create-user/test/chaos/invariants"
)

// User is one registration to come. Its Id is its saga's id, too.
type User struct {
	ID       string `json:"Id"`
	Token    string `json:"Token"`
	Code     string `json:"Code"`
	Phone    string `json:"Phone"`
	Password string `json:"Password"`
	Username string `json:"Username"`
	Image    string `json:"Image"`
}

// tokenTime is how long tokens are valid: longer than all measurements together.
const tokenTime = 12 * time.Hour

// Users makes n users whose images have imageSize bytes.
func Users(n, imageSize int) ([]User, error) {
	image := Image(imageSize)
	users := make([]User, n)
	for i := range users {
		id := fmt.Sprintf("bench-%07d", i)
		signed, err := token.Sign([]byte(service.DevJWTSecret), id, tokenTime)
		if err != nil {
			return nil, fmt.Errorf("sign the token of a user: %w", err)
		}
		users[i] = User{
			ID: id, Token: signed, Code: fmt.Sprintf("%06d", i%1_000_000), Phone: fmt.Sprintf("+49151%08d", i),
			Password: fmt.Sprintf("correct-horse-%08d", i), Username: "Bench " + id, Image: image,
		}
	}
	return users, nil
}

// Image returns a data URL of at most size bytes, that does not compress. It
// begins as a PNG file does, and is none.
func Image(size int) string {
	const prefix = "data:image/png;base64,"
	raw := make([]byte, max(0, size-len(prefix))/4*3)
	_, _ = rand.Read(raw) // it does not fail
	copy(raw, "\x89PNG\r\n\x1a\n")
	return prefix + base64.StdEncoding.EncodeToString(raw)
}

// Registrations returns what the invariants must know of users whose requests
// were all acknowledged.
func Registrations(users []User) []invariants.Registration {
	list := make([]invariants.Registration, len(users))
	for i, u := range users {
		list[i] = invariants.Registration{
			ID: u.ID, Code: u.Code, Ends: []event.Code{event.CodeCreated},
			Submissions: []invariants.Submission{{Saga: u.ID, Stored: true, Attempts: 1}},
		}
	}
	return list
}
