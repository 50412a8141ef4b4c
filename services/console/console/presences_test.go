package console

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/service"
)

func TestPresences_HearThoseTheyKnowAlsoWhenFull(t *testing.T) {
	var p presences
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	say := func(instance string, at time.Time) {
		data, err := json.Marshal(service.Presence{Service: "encryptor", Instance: instance})
		if err != nil {
			t.Fatal(err)
		}
		p.hear(data, at)
	}
	for i := range maxReplicas + 1 {
		say(fmt.Sprint(i), now)
	}
	later := now.Add(2 * silence)
	say("0", later)
	gone := 0
	for _, r := range p.list(later) {
		if r.Gone {
			gone++
		}
	}
	if len(p.heard) != maxReplicas || gone != maxReplicas-1 {
		t.Errorf("%d remembered, %d of them gone; want %d and all but one", len(p.heard), gone, maxReplicas)
	}
}
