package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/services/bull-bridge/bull"
)

// inbox is a publisher that answers with one error after the other, then with none.
type inbox struct {
	answers   []error
	requested []client.Registration
	refused   []client.Registration
}

func (i *inbox) answer() error {
	if len(i.answers) == 0 {
		return nil
	}
	err := i.answers[0]
	i.answers = i.answers[1:]
	return err
}

func (i *inbox) Request(_ context.Context, r client.Registration) (string, error) {
	i.requested = append(i.requested, r)
	return r.Key, i.answer()
}

func (i *inbox) Refuse(_ context.Context, r client.Registration) error {
	i.refused = append(i.refused, r)
	return i.answer()
}

const valid = `{"Id":"ada","Token":"a.b.c","Code":"123456","Phone":"+49","Password":"sesame","Username":"Ada","Image":"i"}`

func forward(ctx context.Context, to *inbox, data string) (any, error) {
	b := bridge{sdk: to, queue: "bull:Create_User", log: zerolog.Nop()}
	return b.forward(ctx, bull.Job{ID: "7", Added: "1795691790512", Data: []byte(data)})
}

func TestForward_PublishesTheJobsData(t *testing.T) {
	to := &inbox{}
	value, err := forward(t.Context(), to, valid)
	if err != nil {
		t.Fatal(err)
	}
	want := []client.Registration{{
		ID: "ada", Token: "a.b.c", Code: "123456", Phone: "+49", Password: "sesame", Username: "Ada", Image: "i", Key: fmt.Sprint(value), KeyOfID: true,
	}}
	if diff := cmp.Diff(want, to.requested); diff != "" || len(to.refused) > 0 {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

func TestForward_TriesAgainUntilTheRequestIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := &jetstream.APIError{ErrorCode: 10077}
		to := &inbox{answers: []error{nats.ErrTimeout, jetstream.ErrNoStreamResponse, full, errors.New("anything")}}
		began := time.Now()
		value, err := forward(t.Context(), to, valid)
		if err != nil || value != to.requested[0].Key || len(to.requested) != 5 {
			t.Errorf("value %v after %d tries, %v", value, len(to.requested), err)
		}
		if took := time.Since(began); took != firstWait*(1+2+4+8) {
			t.Errorf("it took %s", took)
		}
	})
}

func TestForward_EndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		away := make([]error, 100)
		for i := range away {
			away[i] = nats.ErrTimeout
		}
		if _, err := forward(ctx, &inbox{answers: away}, valid); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestForward_RefusesInTheUsersNameWhatIsInvalid(t *testing.T) {
	for name, data := range map[string]string{
		"by its form":      `{"Id":"ada","Token":"a.b.c","Code":7}`,
		"for another saga": strings.Replace(valid, `"Phone":"+49","Password":"sesame"`, `"Sealed":{"saga":"s","kid":"k","enc":"AAAA","key":"AAAA","data":"AAAA"}`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			to := &inbox{answers: []error{nats.ErrTimeout}}
			value, err := forward(t.Context(), to, data)
			if err != nil || len(to.requested) != 0 || len(to.refused) != 2 || to.refused[1].Key != value || to.refused[1].ID != "ada" {
				t.Errorf("value %v, %v; requested %d, refused %d", value, err, len(to.requested), len(to.refused))
			}
		})
	}
	t.Run("as the SDK finds", func(t *testing.T) {
		to := &inbox{answers: []error{&event.FieldError{Field: "Token", Problem: "is missing"}}}
		if _, err := forward(t.Context(), to, valid); err != nil || len(to.refused) != 1 {
			t.Errorf("refused %d, %v", len(to.refused), err)
		}
	})
}

func TestForward_FailsWhenNobodyCanBeTold(t *testing.T) {
	for _, data := range []string{``, `"sesame"`, `7`, `[]`, `{}`, `{"Id":""}`, `{"Id":7}`, "\xff"} {
		to := &inbox{}
		_, err := forward(t.Context(), to, data)
		if !errors.Is(err, event.ErrUnreadable) || strings.Contains(err.Error(), "sesame") || len(to.requested)+len(to.refused) > 0 {
			t.Errorf("%q: %v", data, err)
		}
	}
}

func TestForward_PostponesWhatIsTooLarge(t *testing.T) {
	for _, large := range []error{nats.ErrMaxPayload, &jetstream.APIError{ErrorCode: sizeCode}} {
		_, err := forward(t.Context(), &inbox{answers: []error{large}}, valid)
		if want := bull.Postpone(large, tooLarge); fmt.Sprintf("%T", err) != fmt.Sprintf("%T", want) || !errors.Is(err, large) {
			t.Errorf("the error is %T %v", err, err)
		}
	}
}

func TestSagaID(t *testing.T) {
	job := bull.Job{ID: "7", Added: "1795691790512"}
	id := sagaID("bull:Create_User", job, "ada")
	if !event.ValidSagaID(id) || id != sagaID("bull:Create_User", bull.Job{ID: "7", Added: "1795691790512", AttemptsMade: 3}, "ada") {
		t.Errorf("the saga's id is %q", id)
	}
	for name, other := range map[string]string{
		"another queue":          sagaID("bull:Create_User2", job, "ada"),
		"another job":            sagaID("bull:Create_User", bull.Job{ID: "8", Added: job.Added}, "ada"),
		"another time":           sagaID("bull:Create_User", bull.Job{ID: "7", Added: "1795691790513"}, "ada"),
		"another user":           sagaID("bull:Create_User", job, "bob"),
		"what reads as the same": sagaID("bull:Create_User", bull.Job{ID: "71", Added: "795691790512"}, "ada"),
	} {
		if other == id {
			t.Errorf("%s has the same saga", name)
		}
	}
}
