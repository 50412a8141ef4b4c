package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
)

// settingsIn reads the lines NAME=value that a command printed.
func settingsIn(out string) service.Vars {
	vars := service.Vars{}
	for text := range strings.SplitSeq(out, "\n") {
		if name, value, ok := strings.Cut(text, "="); ok && !strings.HasPrefix(text, "#") {
			vars[name] = value
		}
	}
	return vars
}

func TestKeygen_PrintsAPairThatIsReadBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args            []string
		public, private string
		id              string // a pattern
	}{
		"for credentials":            {[]string{"keygen"}, "SEAL_PUBLIC_KEY", "SEAL_PRIVATE_KEYS", `^k\d{8}$`},
		"for credentials, by name":   {[]string{"keygen", "seal"}, "SEAL_PUBLIC_KEY", "SEAL_PRIVATE_KEYS", `^k\d{8}$`},
		"for dead letters":           {[]string{"keygen", "dead-letter"}, "DEAD_LETTER_PUBLIC_KEY", "DEAD_LETTER_PRIVATE_KEY", `^k\d{8}$`},
		"with an id of one's choice": {[]string{"keygen", "--id", "mine"}, "SEAL_PUBLIC_KEY", "SEAL_PRIVATE_KEYS", `^mine$`},
	} {
		t.Run(name, func(t *testing.T) {
			r := command(t, nil, c.args...)
			r.succeeds(t)
			vars := settingsIn(r.out)
			if len(vars) != 2 {
				t.Fatalf("printed:\n%s", r.out)
			}
			public, err := event.ParsePublicKey(vars[c.public])
			if err != nil {
				t.Fatal(err)
			}
			private, err := event.ParsePrivateKeys(vars[c.private])
			if err != nil {
				t.Fatal(err)
			}
			if !regexp.MustCompile(c.id).MatchString(public.ID) {
				t.Errorf("the id is %q", public.ID)
			}
			sealed, err := event.NewSealer(public).SealBytes("s", []byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := event.NewOpener(private...).OpenBytes(sealed); err != nil || string(plain) != "x" {
				t.Errorf("opened %q: %v", plain, err)
			}
		})
	}
	one, other := command(t, nil, "keygen"), command(t, nil, "keygen")
	if one.out == other.out {
		t.Error("two pairs are alike")
	}
	command(t, nil, "keygen", "--id", "a:b").fails(t, 1, "--id: key id: want")
}
