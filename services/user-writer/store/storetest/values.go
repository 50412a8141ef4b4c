package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/create-user/create-user/services/user-writer/store"
)

func runValues(t *testing.T, open func(testing.TB) store.Store) {
	t.Run("Ids that are not the same bytes are different users", func(t *testing.T) {
		for _, pair := range [][2]string{
			{"Ann", "ann"}, {"ann", "ann "}, {"ann", " ann"}, {"é", "e"}, {"é", "e\u0301"}, {"ß", "ss"},
			{"a\x00", "a"}, {"a", "\uff41"}, {"😀", "😁"}, {"a\t", "a"}, {"ı", "i"},
		} {
			f := newFixture(t, open)
			u, v := f.user("a", pair[0]), f.user("b", pair[1])
			f.wantVerdicts([]store.Verdict{store.Inserted, store.Inserted}, u, v)
			f.wantRow(u)
			f.wantRow(v)
			f.remove(u.Key)
			f.wantNoRow(u.ID)
			f.wantRow(v)
		}
	})
	t.Run("any text is kept as it is", func(t *testing.T) {
		f := newFixture(t, open)
		for i, text := range hostile() {
			u := f.user(fmt.Sprint("s", i), text)
			u.Phone, u.Password, u.Name, u.Image = text, text, text, text
			f.wantVerdict(store.Inserted, u)
			f.wantRow(u)
			f.wantVerdict(store.Exists, f.user(fmt.Sprint("other", i), text))
			f.remove(u.Key)
			f.wantNoRow(u.ID)
		}
	})
	t.Run("an image of a mebibyte is kept as it is", func(t *testing.T) {
		f := newFixture(t, open)
		for i, pattern := range []string{"iVBORw0KGgo=", "'", "\\", "\x00\"\n\r\x1a%😀"} {
			u := f.user(fmt.Sprint("s", i), fmt.Sprint(i))
			u.Image = strings.Repeat(pattern, 1<<20/len(pattern))
			f.wantVerdict(store.Inserted, u)
			f.wantRow(u)
		}
	})
	t.Run("a hundred characters of four bytes fit", func(t *testing.T) {
		f := newFixture(t, open)
		u := f.user("a", "")
		u.ID += strings.Repeat("😀", 100-len(u.ID))
		u.Phone, u.Password, u.Name = strings.Repeat("😁", 100), strings.Repeat("😂", 100), strings.Repeat("😃", 100)
		f.wantVerdict(store.Inserted, u)
		f.wantRow(u)
	})
	t.Run("what cannot be kept is refused, and the error repeats none of it", func(t *testing.T) { refusals(t, open) })
	t.Run("a saga whose key no subject could carry is refused, and never removes another", func(t *testing.T) {
		f := newFixture(t, open)
		u := f.user("a", "ann")
		f.wantVerdict(store.Inserted, u)
		for i, saga := range []string{"", u.Saga + " ", u.Saga + "é", u.Saga + "\x00", strings.Repeat("s", 65)} {
			odd := f.user("", fmt.Sprint(i))
			odd.Saga = saga
			f.wantVerdict(store.Refused, odd)
			f.remove(odd.Key)
			odd.Key = store.Key{Saga: u.Saga, User: saga}
			f.wantVerdict(store.Refused, odd)
			f.remove(odd.Key)
		}
		f.wantRow(u)
	})
}

// hostile returns texts that have broken some database or driver.
func hostile() []string {
	return []string{
		"'", `"`, "`", `\`, `\'`, `\\'`, "''", "%", "_", "?", ":name", "@x", "$1", ";", "--", "/*", "*/", "#", "\x00", "\x1a", "\r\n", "\t",
		`'); DROP TABLE Users; -- `, `' OR '1'='1`, `" OR ""="`, "NULL", "0x41", "1e309", "-0", "true",
		"\u200b", "\u202e", "\ufeff", "\uffff", "\U0010ffff", "é", "e\u0301", "漢字", "👩‍👩‍👧‍👦", "ﷺ", "  ", " leading", "trailing ", "İ",
		strings.Repeat("'", 50), strings.Repeat("\\", 50), strings.Repeat("😀", 50),
	}
}

func refusals(t *testing.T, open func(testing.TB) store.Store) {
	const secret = "s3cr3t"
	long := strings.Repeat("x", 101-len(secret)) + secret
	for name, spoil := range map[string]func(*store.User){
		"an Id of 101 characters":                       func(u *store.User) { u.ID = long },
		"a phone of 101 characters":                     func(u *store.User) { u.Phone = long },
		"a password of 101 characters":                  func(u *store.User) { u.Password = long },
		"a name of 101 characters":                      func(u *store.User) { u.Name = long },
		"a name of 101 characters, the last a space":    func(u *store.User) { u.Name = long[1:] + " " },
		"an Id of 101 characters, the last a space":     func(u *store.User) { u.ID = long[1:] + " " },
		"a name of 101 characters, the first a NUL":     func(u *store.User) { u.Name = "\x00" + long[1:] },
		"a name of 101 characters of four bytes":        func(u *store.User) { u.Name = strings.Repeat("😀", 101) },
		"a name that is not UTF-8":                      func(u *store.User) { u.Name = secret + "\xff" },
		"an Id that is not UTF-8":                       func(u *store.User) { u.ID = secret + "\xc3" },
		"an image that is not UTF-8":                    func(u *store.User) { u.Image = secret + "\xed\xa0\x80" },
		"an image of a byte more than MEDIUMTEXT holds": func(u *store.User) { u.Image = strings.Repeat(secret[:1], 1<<24) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, open)
			u, before, after := f.user("a", secret), f.user("b", "bob"), f.user("c", "cid")
			spoil(&u)
			results, err := f.Insert(t.Context(), []store.User{before, u, after})
			if err != nil {
				t.Fatal(err)
			}
			if results[1].Verdict != store.Refused || results[1].Err == nil {
				t.Fatalf("it is %v with the error %v", results[1].Verdict, results[1].Err)
			}
			if strings.Contains(results[1].Err.Error(), secret) {
				t.Errorf("the error repeats the value: %v", results[1].Err)
			}
			f.wantNoRow(u.ID)
			f.wantRow(before)
			f.wantRow(after)
			if results[0].Verdict != store.Inserted || results[2].Verdict != store.Inserted {
				t.Errorf("its neighbours are %v and %v", results[0].Verdict, results[2].Verdict)
			}
		})
	}
}
