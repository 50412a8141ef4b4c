// Package load plans registrations from a seed and publishes them as upstream
// services do: at a steady rate, each request again with the same message id
// until the inbox has acknowledged it.
package load

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/test/chaos/invariants"
)

// Kind is what is odd about a registration.
type Kind string

// The kinds of registrations.
const (
	Valid       Kind = "valid"
	LargeImage  Kind = "large image"           // one that stands beside the event store
	WrongCode   Kind = "wrong code"            // refused; the code stays usable
	Expired     Kind = "expired token"         // refused
	TwiceSame   Kind = "twice, same id"        // submitted again with the same message id
	TwiceOther  Kind = "twice, other id"       // submitted again with another message id
	TwiceNone   Kind = "twice, no id"          // submitted twice without a message id
	AtOnce      Kind = "two at once"           // two different registrations of one Id at the same time
	laterAtMost      = 3000 * time.Millisecond // between a submission and its repetition
)

// Mix says how many of a thousand registrations are of each kind; the others are valid.
type Mix map[Kind]int

// Mixed is the load of most scenarios.
func Mixed() Mix {
	return Mix{LargeImage: 20, WrongCode: 40, Expired: 30, TwiceSame: 30, TwiceOther: 20, TwiceNone: 20, AtOnce: 20}
}

// Twice submits every registration twice.
func Twice() Mix { return Mix{TwiceSame: 334, TwiceOther: 333, TwiceNone: 333} }

// kinds returns the kinds in a fixed order: a map has none, and the plan must
// follow from the seed.
func kinds() []Kind {
	return []Kind{LargeImage, WrongCode, Expired, TwiceSame, TwiceOther, TwiceNone, AtOnce}
}

// Registration is a planned registration.
type Registration struct {
	invariants.Registration
	Kind     Kind
	Token    string // in the requests
	Session  string // the client's own, always valid
	requests []request
}

// request is one submission of a registration, in the order of its Submissions.
type request struct {
	code, name, image string
	sealed            bool // published with the SDK
	after             time.Duration
}

// Signer signs the users' tokens.
type Signer interface {
	Token(id string, ttl time.Duration) (string, error)
}

// tokenTime is how long a token is valid: longer than any run.
const tokenTime = 6 * time.Hour

// Plan plans n registrations. The same seed plans the same but for the tokens.
func Plan(seed uint64, n int, mix Mix, signer Signer) ([]*Registration, error) {
	random := rand.New(rand.NewPCG(seed, 1))
	list := make([]*Registration, n)
	for i := range list {
		r := &Registration{Kind: mix.draw(random)}
		r.ID = fmt.Sprintf("user-%d-%d", seed, i)
		r.Code = fmt.Sprintf("%06d", random.IntN(1_000_000))
		r.Ends = []event.Code{event.CodeCreated}
		r.submit(random, fmt.Sprintf("s%d-%d", seed, i))
		ttl := tokenTime
		if r.Kind == Expired {
			ttl = -time.Hour
		}
		var err error
		if r.Token, err = signer.Token(r.ID, ttl); err != nil {
			return nil, err
		}
		r.Session = r.Token
		if r.Kind == Expired {
			if r.Session, err = signer.Token(r.ID, tokenTime); err != nil {
				return nil, err
			}
		}
		list[i] = r
	}
	return list, nil
}

func (m Mix) draw(random *rand.Rand) Kind {
	n := random.IntN(1000)
	for _, k := range kinds() {
		if n -= m[k]; n < 0 {
			return k
		}
	}
	return Valid
}

// submit plans the requests of a registration.
func (r *Registration) submit(random *rand.Rand, saga string) {
	later := time.Duration(random.Int64N(int64(laterAtMost)))
	first := request{code: r.Code, name: "Ada " + r.ID, image: "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=", sealed: random.IntN(2) == 0}
	second := first
	second.after = later
	ids := []string{saga}
	switch r.Kind {
	case LargeImage:
		first.image = strings.Repeat(r.ID, (event.InlineImage+random.IntN(64<<10))/len(r.ID)+1)
	case WrongCode:
		first.code = "0" + r.Code // never the same
		r.Ends = []event.Code{event.CodeIncorrect}
	case Expired:
		r.Ends = []event.Code{event.CodeSessionExpired}
	case TwiceSame:
		ids = append(ids, saga)
	case TwiceOther:
		ids = append(ids, saga+"-again")
	case TwiceNone:
		ids = []string{"", ""}
		first.sealed, second.sealed = false, false // the SDK always names an id
	case AtOnce:
		ids = append(ids, saga+"-other")
		second.after, second.name = 0, "Grace "+r.ID
	case Valid:
	}
	r.requests = []request{first, second}[:len(ids)]
	for _, id := range ids {
		r.Submissions = append(r.Submissions, invariants.Submission{Saga: id})
	}
}
