package load

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
)

type signer struct{}

// Token implements Signer: it shows whether the token would be valid.
func (signer) Token(id string, ttl time.Duration) (string, error) {
	if ttl < 0 {
		return "expired " + id, nil
	}
	return "valid " + id, nil
}

func plan(t *testing.T, seed uint64, n int, mix Mix) []*Registration {
	t.Helper()
	list, err := Plan(seed, n, mix, signer{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPlan_FollowsFromItsSeed(t *testing.T) {
	compare := cmp.AllowUnexported(Registration{}, request{})
	if diff := cmp.Diff(plan(t, 7, 300, Mixed()), plan(t, 7, 300, Mixed()), compare); diff != "" {
		t.Errorf("the same seed plans otherwise:\n%s", diff)
	}
	if cmp.Equal(plan(t, 7, 300, Mixed()), plan(t, 8, 300, Mixed()), compare) {
		t.Error("another seed plans the same")
	}
}

func TestPlan_HoldsEveryKindAndWhatMustComeOfIt(t *testing.T) {
	seen := map[Kind]int{}
	for _, r := range plan(t, 1, 2000, Mixed()) {
		seen[r.Kind]++
		want := event.CodeCreated
		switch r.Kind {
		case WrongCode:
			want = event.CodeIncorrect
			if r.requests[0].code == r.Code {
				t.Errorf("%s: the code is right", r.ID)
			}
		case Expired:
			want = event.CodeSessionExpired
			if r.Token == r.Session {
				t.Errorf("%s: the token is the client's", r.ID)
			}
		case LargeImage:
			if len(r.requests[0].image) <= event.InlineImage {
				t.Errorf("%s: the image is small", r.ID)
			}
		case TwiceSame, TwiceOther, TwiceNone, AtOnce:
			if len(r.requests) != 2 {
				t.Errorf("%s: %d requests", r.ID, len(r.requests))
			}
		case Valid:
		}
		if diff := cmp.Diff([]event.Code{want}, r.Ends); diff != "" {
			t.Errorf("%s, %s: ends (-want +got):\n%s", r.ID, r.Kind, diff)
		}
		if len(r.requests) != len(r.Submissions) {
			t.Errorf("%s: %d requests of %d submissions", r.ID, len(r.requests), len(r.Submissions))
		}
	}
	for _, k := range append(kinds(), Valid) {
		if seen[k] == 0 {
			t.Errorf("no registration is of the kind %q", k)
		}
	}
}
