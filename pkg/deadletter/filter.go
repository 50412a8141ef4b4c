package deadletter

import (
	"slices"
	"strings"
	"time"

	"github.com/create-user/create-user/pkg/event"
)

// Filter chooses dead letters. The zero value chooses all.
type Filter struct {
	Step   string        // only those of this step
	Saga   string        // only those of this saga
	User   string        // only those of the user with this hash (see event.UserHash)
	Reason event.Reason  // only those with this reason
	Error  string        // only those with this text in an error
	Newer  time.Duration // only those that died less than this long ago
	Older  time.Duration // only those that died longer ago than this
}

// Matches reports whether the filter lets l through.
func (f Filter) Matches(l Letter, now time.Time) bool {
	age := now.Sub(l.Died)
	switch {
	case f.Step != "" && l.Step != f.Step,
		f.Saga != "" && l.Saga != f.Saga,
		f.User != "" && l.User != f.User,
		f.Reason != "" && l.Reason != f.Reason,
		f.Newer > 0 && age >= f.Newer,
		f.Older > 0 && age <= f.Older:
		return false
	}
	return f.Error == "" || slices.ContainsFunc(l.Errors, func(e string) bool { return strings.Contains(e, f.Error) })
}
