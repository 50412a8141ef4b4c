package rooms

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse_ReadsEveryPartOfAPacket(t *testing.T) {
	for text, want := range map[string]packet{
		"0":                          {kind: kindConnect, namespace: "/"},
		`0{"token":"x"}`:             {kind: kindConnect, namespace: "/", payload: []byte(`{"token":"x"}`)},
		"0/admin,":                   {kind: kindConnect, namespace: "/admin"},
		`0/admin?x=1,{"token":"x"}`:  {kind: kindConnect, namespace: "/admin", payload: []byte(`{"token":"x"}`)},
		"1":                          {kind: kindDisconnect, namespace: "/"},
		`2["joinRoom","a"]`:          {kind: kindEvent, namespace: "/", payload: []byte(`["joinRoom","a"]`)},
		`212["joinRoom","a"]`:        {kind: kindEvent, namespace: "/", ack: "12", payload: []byte(`["joinRoom","a"]`)},
		`2/admin,12["joinRoom","a"]`: {kind: kindEvent, namespace: "/admin", ack: "12", payload: []byte(`["joinRoom","a"]`)},
		`52-/admin,7["x"]`:           {kind: kindBinaryEvent, attachments: 2, namespace: "/admin", ack: "7", payload: []byte(`["x"]`)},
		`3007[]`:                     {kind: kindAck, namespace: "/", ack: "007", payload: []byte(`[]`)},
	} {
		got, err := parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(packet{}), cmp.Transformer("text", func(b []byte) string { return string(b) })); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestParse_RefusesWhatIsNoPacket(t *testing.T) {
	for _, text := range []string{
		"", "4", "7", "x", "5", "5-", "50-", "5x-", "5-1-", "511-", "5999999999999999999999-", "6[]",
		"2" + strings.Repeat("1", maxAckDigits+1) + `["x"]`, "0/" + strings.Repeat("n", maxNamespace),
	} {
		if p, err := parse(text); err == nil {
			t.Errorf("%q was read as %+v", text, p)
		}
	}
}

// Whatever a client sends: no panic, and what is read keeps within its bounds.
func FuzzClientPacket(f *testing.F) {
	for _, text := range []string{
		`0{"token":"x"}`, `0{"token":5}`, `0[]`, `0null`, `2["joinRoom","a_Create_User"]`, `21["joinRoom"]`, `2[]`, `2["joinRoom",{}]`,
		`51-["joinRoom",{"_placeholder":true,"num":0}]`, `2[5]`, `2[null]`, `2/x,1[`, `1`, `3`, `2["joinRoom","\ud800_Create_User"]`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parse(text)
		if err != nil {
			return
		}
		if p.attachments > maxAttachments || len(p.ack) > maxAckDigits || len(p.namespace) > maxNamespace {
			t.Errorf("out of bounds: %+v", p)
		}
		if token, err := p.token(); err == nil && len(token) > maxToken {
			t.Error("the token is too long")
		}
		if _, args, err := p.event(); err == nil {
			srv := Server{opts: Options{}.withDefaults()}
			if id, err := srv.roomID(args); err == nil && (id == "" || len(id) > srv.opts.MaxRoom) {
				t.Errorf("out of bounds: Id of %d bytes", len(id))
			}
		}
	})
}
