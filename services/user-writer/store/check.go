package store

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// widths says how many characters the columns of Users hold, by their names. A column
// that it does not name is left for the database to judge.
type widths map[string]int

// check returns an error for what a database would store otherwise than given without
// a word. All else that does not fit, it refuses itself.
func (w widths) check(u User) error {
	if err := u.Key.check(); err != nil {
		return err
	}
	values := []string{u.ID, u.Phone, u.Password, u.Name, u.Image}
	for i, column := range columns() {
		value := values[i]
		if !utf8.ValidString(value) { // SQLite stores any bytes
			return fmt.Errorf("%s is not UTF-8", column)
		}
		// MySQL cuts spaces off the end until a value fits, even in strict mode. SQLite
		// takes the length of a text up to the first NUL only.
		quiet := strings.HasSuffix(value, " ") || strings.Contains(value, "\x00")
		if most, ok := w[column]; ok && quiet && utf8.RuneCountInString(value) > most {
			return fmt.Errorf("%s is too long for its column", column)
		}
	}
	return nil
}

// maxKeyPart is as in the inbox: a saga id of 64 characters, and the suffix of a new
// attempt at it.
const maxKeyPart = 72

var errKey = errors.New("the saga's key could not stand in a subject")

// check returns an error unless the key is as [Key] says. Two keys that differ in
// spaces at their ends would be the same to MySQL.
func (k Key) check() error {
	for _, part := range []string{k.Saga, k.User} {
		unseen := func(r rune) bool { return r <= ' ' || r > '~' }
		if part == "" || len(part) > maxKeyPart || strings.ContainsFunc(part, unseen) {
			return errKey
		}
	}
	return nil
}
