package invariants

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/create-user/create-user/pkg/event"
)

// requests checks that each acknowledged request has its saga, and that no saga
// came from nowhere.
func (j *judge) requests(a *account) {
	named := map[string]bool{}
	least, most := 0, 0 // sagas whose ids the system makes
	for _, s := range a.Submissions {
		switch {
		case s.Saga == "":
			most += s.Attempts
			if s.Stored {
				least++
			}
		case s.Stored && a.saga(s.Saga) == nil:
			j.blame("ended", Lost, a.ID, s.Saga, "acknowledged, and no event")
		}
		named[s.Saga] = true
	}
	made := 0
	for _, s := range a.sagas {
		if base, _ := event.SplitAttempt(s.Saga); !named[s.Saga] && !named[base] {
			made++
		}
	}
	if made < least {
		j.blame("ended", Lost, a.ID, "", "%d requests without a message id acknowledged, %d sagas", least, made)
	}
	if made > most {
		j.blame("ended", Doubled, a.ID, "", "%d requests without a message id published, %d sagas", most, made)
	}
}

// once checks that the user was created at most once, and was created at all
// when nothing else is allowed.
func (j *judge) once(a *account) {
	completed, decided, stored := 0, 0, false
	for _, s := range a.sagas {
		if s.completed() {
			completed++
		}
		if s.ended != nil && s.ended.Code != event.CodeDuplicateRequest {
			decided++
		}
	}
	for _, s := range a.Submissions {
		stored = stored || s.Stored
	}
	if completed > 1 {
		j.blame("once", Doubled, a.ID, "", "%d sagas completed", completed)
	}
	if decided == 0 && stored && !j.open(a) {
		j.blame("duplicate", Lost, a.ID, "", "every saga calls itself a duplicate")
	}
	if completed == 0 && decided > 0 && slices.Equal(a.Ends, []event.Code{event.CodeCreated}) && !j.open(a) {
		j.blame("once", Lost, a.ID, "", "no saga completed")
	}
}

// open reports whether a saga of the user is missing or has not ended: then
// that is the violation.
func (j *judge) open(a *account) bool {
	return len(a.sagas) == 0 || slices.ContainsFunc(a.sagas, func(s *story) bool { return s.ended == nil })
}

// row checks the user's row against the saga that completed.
func (j *judge) row(a *account) {
	row, stands := j.facts.Rows[a.ID]
	s := a.completed()
	switch {
	case s == nil && !stands:
	case s == nil:
		j.blame("row", Wrong, a.ID, "", "a row stands, and no saga completed")
	case !stands:
		j.blame("row", Lost, a.ID, s.Saga, "completed, and no row stands")
	default:
		j.content(a, s, row)
	}
}

// content checks that a row holds what its saga had encrypted.
func (j *judge) content(a *account, s *story, row Row) {
	i := slices.IndexFunc(s.events, func(e Event) bool { return e.Type == event.TypeEncrypted })
	if i < 0 {
		return // the order is wrong, and said to be
	}
	var want event.Encrypted
	if err := json.Unmarshal(s.events[i].Data, &want); err != nil {
		j.blame("row", Wrong, a.ID, s.Saga, "its event encrypted cannot be read")
		return
	}
	for _, f := range []struct {
		field string
		same  bool
	}{
		{"Phone", row.Phone == want.EncryptedPhone},
		{"Password", row.Password == want.EncryptedPassword},
		{"Name", row.Name == want.Username},
		{"Image", sameImage(row.Image, want.Image)},
	} {
		if !f.same {
			j.blame("row", Wrong, a.ID, s.Saga, "%s is not this saga's", f.field)
		}
	}
}

func sameImage(have string, want event.Image) bool {
	if want.Claim == nil {
		return have == want.Inline
	}
	sum := sha256.Sum256([]byte(have))
	return hex.EncodeToString(sum[:]) == want.Claim.SHA256
}

// code checks what is left of the user's code.
func (j *judge) code(a *account) {
	if saga, held := j.facts.Claims[a.ID]; held {
		j.blame("claim", Wrong, a.ID, saga, "the claim is still held")
	}
	code, stands := j.facts.Codes[a.ID]
	s := a.completed()
	switch {
	case s != nil && stands:
		j.blame("code", Wrong, a.ID, s.Saga, "the user is created, and the code still stands")
	case s == nil && a.Code != "" && code != a.Code && !locked(a):
		j.blame("code", Wrong, a.ID, "", "the user is not created, and the code is gone")
	}
}

// wrongTries is how many wrong codes lock a code.
const wrongTries = 5

// locked reports whether the user's wrong tries have used up the code.
func locked(a *account) bool {
	wrong := 0
	for _, s := range a.sagas {
		if s.ended != nil && (s.ended.Code == event.CodeIncorrect || s.ended.Code == event.CodeLocked) {
			wrong++
		}
	}
	return wrong >= wrongTries
}
