package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/create-user/create-user/services/user-writer/store"
)

func valueScenes() []scene {
	return []scene{
		{"of Ids that are not the same bytes are different users", idsAreBytes},
		{"of any text are kept as they are", anyText},
		{"of a mebibyte of image are kept as they are", largeImage},
		{"of a hundred characters of four bytes fit", hundredCharacters},
		{"that cannot be kept are refused, and the error repeats none", unkeepable},
		{"of a key that no subject could carry are refused, and never remove another", oddKeys},
	}
}

func idsAreBytes(f *fixture) {
	for i, pair := range [][2]string{
		{"Ann", "ann"}, {"ann", "ann "}, {"ann", " ann"}, {"é", "e"}, {"é", "e\u0301"}, {"ß", "ss"},
		{"a\x00", "a"}, {"a", "\uff41"}, {"😀", "😁"}, {"a\t", "a"}, {"ı", "i"},
	} {
		u, v := f.user(fmt.Sprint("a", i), fmt.Sprint(i, pair[0])), f.user(fmt.Sprint("b", i), fmt.Sprint(i, pair[1]))
		f.wantVerdicts([]store.Verdict{store.Inserted, store.Inserted}, u, v)
		f.wantRow(u)
		f.wantRow(v)
		f.remove(u.Key)
		f.wantNoRow(u.ID)
		f.wantRow(v)
	}
}

func anyText(f *fixture) {
	for i, text := range hostile() {
		u := f.user(fmt.Sprint("s", i), text)
		u.Phone, u.Password, u.Name, u.Image = text, text, text, text
		f.wantVerdict(store.Inserted, u)
		f.wantRow(u)
		f.wantVerdict(store.Exists, f.user(fmt.Sprint("other", i), text))
		f.remove(u.Key)
		f.wantNoRow(u.ID)
	}
}

func largeImage(f *fixture) {
	for i, pattern := range []string{"iVBORw0KGgo=", "'", "\\", "\x00\"\n\r\x1a%😀"} {
		u := f.user(fmt.Sprint("s", i), fmt.Sprint(i))
		u.Image = strings.Repeat(pattern, 1<<20/len(pattern))
		f.wantVerdict(store.Inserted, u)
		f.wantRow(u)
	}
}

func hundredCharacters(f *fixture) {
	u := f.user("a", "")
	u.ID += strings.Repeat("😀", 100-len(u.ID))
	u.Phone, u.Password, u.Name = strings.Repeat("😁", 100), strings.Repeat("😂", 100), strings.Repeat("😃", 100)
	f.wantVerdict(store.Inserted, u)
	f.wantRow(u)
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

func unkeepable(f *fixture) {
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
		f.t.Run(name, func(t *testing.T) {
			f := newFixture(t, f.open)
			u := f.user("a", secret)
			spoil(&u)
			f.wantRefused(u, secret)
		})
	}
}

// wantRefused inserts a user between two others, and wants them inserted and the user
// refused with an error that does not contain secret.
func (f *fixture) wantRefused(u store.User, secret string) {
	f.t.Helper()
	before, after := f.user("before", "bob"), f.user("after", "cid")
	results, err := f.Insert(f.t.Context(), []store.User{before, u, after})
	if err != nil {
		f.t.Fatal(err)
	}
	if results[1].Verdict != store.Refused || results[1].Err == nil {
		f.t.Fatalf("it is %v with the error %v", results[1].Verdict, results[1].Err)
	}
	if strings.Contains(results[1].Err.Error(), secret) {
		f.t.Errorf("the error repeats the value: %v", results[1].Err)
	}
	if results[0].Verdict != store.Inserted || results[2].Verdict != store.Inserted {
		f.t.Errorf("its neighbours are %v and %v", results[0].Verdict, results[2].Verdict)
	}
	f.wantRow(before)
	f.wantNoRow(u.ID)
	f.wantRow(after)
}

func oddKeys(f *fixture) {
	u := f.user("a", "ann")
	f.wantVerdict(store.Inserted, u)
	for i, part := range []string{"", u.Saga + " ", u.Saga + "é", u.Saga + "\x00", strings.Repeat("s", 73)} {
		odd := f.user("", fmt.Sprint(i))
		for _, k := range []store.Key{{Saga: part, User: u.Key.User}, {Saga: u.Saga, User: part}} {
			odd.Key = k
			f.wantVerdict(store.Refused, odd)
			f.remove(k)
		}
	}
	f.wantRow(u)
}
