package deadletter_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/deadletter"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

func TestEach_HandsOutWhatIsKeptOldestFirst(t *testing.T) {
	t.Parallel()
	s, o := sagatest.New(t, event.StepEncryptor), newOperators(t)
	box := deadletter.Open(s.JS())
	if got := list(t, box); got != nil {
		t.Errorf("an empty box holds %v", got)
	}
	for _, saga := range []string{"a", "b", "c", "d", "e"} {
		o.bury(t, s, event.Key{User: "u", Saga: saga}, event.Original{}, nil)
	}
	for _, number := range []uint64{1, 3, 5} { // the first, one between, the last
		if err := box.Discard(t.Context(), number); err != nil {
			t.Fatal(err)
		}
	}
	var sagas []string
	if err := box.Each(t.Context(), func(l deadletter.Letter) error {
		sagas = append(sagas, l.Saga)
		o.bury(t, s, event.Key{User: "u", Saga: "later"}, event.Original{}, nil) // comes after "now"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(sagas, []string{"b", "d"}) {
		t.Errorf("handed out %v", sagas)
	}
	if got := list(t, box); !slices.Equal(got, []uint64{2, 4, 6, 7}) {
		t.Errorf("the box holds %v", got)
	}
}

func TestEach_StopsWhenItIsTold(t *testing.T) {
	t.Parallel()
	s, o := sagatest.New(t, event.StepEncryptor), newOperators(t)
	box, stop := deadletter.Open(s.JS()), errors.New("stop")
	for _, saga := range []string{"a", "b"} {
		o.bury(t, s, event.Key{User: "u", Saga: saga}, event.Original{}, nil)
	}
	n := 0
	if err := box.Each(t.Context(), func(deadletter.Letter) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("%d letters, then %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n = 0
	if err := box.Each(ctx, func(deadletter.Letter) error { n++; cancel(); return nil }); !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("%d letters, then %v", n, err)
	}
}

// One letter that cannot be decoded must not hide those behind it, and can be
// discarded.
func TestEach_GoesOnAfterALetterThatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	s, o := sagatest.New(t, event.StepEncryptor), newOperators(t)
	box, k := deadletter.Open(s.JS()), event.Key{User: "u", Saga: "a"}
	keep(t, s, k, []byte(`{"step":7,"errors":"sesame"}`))
	o.bury(t, s, k, event.Original{}, nil)
	var numbers []uint64
	err := box.Each(t.Context(), func(l deadletter.Letter) error { numbers = append(numbers, l.Number); return nil })
	if err == nil || !strings.Contains(err.Error(), "decode dead letter 1") || strings.Contains(err.Error(), "sesame") {
		t.Errorf("the error is %v", err)
	}
	if !slices.Equal(numbers, []uint64{2}) {
		t.Errorf("handed out %v", numbers)
	}
	if _, err := box.Get(t.Context(), 1); err == nil || errors.Is(err, deadletter.ErrNone) {
		t.Errorf("Get: %v", err)
	}
	if err := box.Discard(t.Context(), 1); err != nil {
		t.Errorf("Discard: %v", err)
	}
	if got := list(t, box); !slices.Equal(got, []uint64{2}) {
		t.Errorf("the box holds %v", got)
	}
}

func TestGetAndDiscard_OfANumberThatIsNotThere(t *testing.T) {
	t.Parallel()
	s, o := sagatest.New(t, event.StepEncryptor), newOperators(t)
	box := deadletter.Open(s.JS())
	o.bury(t, s, event.Key{User: "u", Saga: "a"}, event.Original{}, nil)
	if got := get(t, box, 1); got.Saga != "a" || got.Number != 1 || got.Errors[0] != "it broke" {
		t.Errorf("letter 1 is %+v", got)
	}
	if err := box.Discard(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, number := range []uint64{0, 1, 2} {
		if _, err := box.Get(t.Context(), number); !errors.Is(err, deadletter.ErrNone) {
			t.Errorf("Get(%d): %v", number, err)
		}
		if err := box.Discard(t.Context(), number); !errors.Is(err, deadletter.ErrNone) {
			t.Errorf("Discard(%d): %v", number, err)
		}
	}
}

func TestBox_WithoutItsStreamNamesTheRemedy(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepEncryptor)
	if err := s.JS().DeleteStream(t.Context(), event.StreamDeadLetters); err != nil {
		t.Fatal(err)
	}
	box := deadletter.Open(s.JS())
	_, getErr := box.Get(t.Context(), 1)
	for what, err := range map[string]error{
		"Each":    box.Each(t.Context(), func(deadletter.Letter) error { return nil }),
		"Get":     getErr,
		"Discard": box.Discard(t.Context(), 1),
	} {
		if err == nil || !strings.Contains(err.Error(), "createuser streams apply") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestOriginal_OpensWithTheRightKeyAlone(t *testing.T) {
	t.Parallel()
	right, wrong := newOperators(t), newOperators(t) // another key of the same id
	strange, err := event.GenerateKey("strange")
	if err != nil {
		t.Fatal(err)
	}
	want := event.Original{Header: map[string][]string{"a": {"b"}}, Data: []byte("sesame")}
	sealed := func(plain string) deadletter.Letter {
		l := deadletter.Letter{Number: 3}
		if l.Message, err = right.sealer.SealBytes("a", []byte(plain)); err != nil {
			t.Fatal(err)
		}
		return l
	}
	good := sealed(`{"header":{"a":["b"]},"data":"c2VzYW1l"}`)
	got, err := deadletter.Original(good, right.Opener)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	tampered := good
	tampered.Message.Saga = "b"
	for name, c := range map[string]struct {
		letter deadletter.Letter
		opener *event.Opener
		want   error // nil: any
	}{
		"a key of the same id":                 {good, wrong.Opener, event.ErrNotSealed},
		"a key of another id":                  {good, event.NewOpener(strange), event.ErrUnknownKey},
		"no key at all":                        {good, event.NewOpener(), event.ErrUnknownKey},
		"a letter of another saga":             {tampered, right.Opener, event.ErrNotSealed},
		"what is no message":                   {sealed(`"sesame"`), right.Opener, nil},
		"a letter that was not sealed at all":  {deadletter.Letter{Number: 3}, right.Opener, event.ErrNotSealed},
		"a message whose data is not the type": {sealed(`{"data":{"sesame":1}}`), right.Opener, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := deadletter.Original(c.letter, c.opener)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("the error is %v", err)
			}
			if err != nil && (!strings.Contains(err.Error(), "dead letter 3") || strings.Contains(err.Error(), "sesame")) {
				t.Errorf("the error says %v", err)
			}
		})
	}
}
