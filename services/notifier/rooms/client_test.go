package rooms

import (
	"testing"
	"time"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

func TestClient_ThatBreaksTheProtocolIsCutOff(t *testing.T) {
	h := start(t, Options{})
	for name, packet := range map[string]string{
		"an event that is no array":           `42{"a":1}`,
		"an event without a name":             `42[]`,
		"an event named by an object":         `42[{}]`,
		"an event that is no JSON":            `42["joinRoom"`,
		"a second connect":                    `40`,
		"an unknown type":                     `47`,
		"nothing":                             `4`,
		"more attachments than are taken":     `4511-["x"]`,
		"a text where an attachment must be":  "451-[\"x\"]",
		"an attachment that belongs nowhere":  "BINARY",
		"an acknowledgement's id of 16 digit": `421234567890123456["x"]`,
	} {
		t.Run(name, func(t *testing.T) {
			c := h.connect(nil)
			if packet == "BINARY" {
				c.SayBinary([]byte("x"))
			} else {
				c.Say(packet, `42["x"]`)
			}
			_ = c.ExpectEnd()
		})
	}
	for name, packet := range map[string]string{
		"an event before the connect":        `42["joinRoom","ana_Create_User"]`,
		"a connect with a list":              `40[]`,
		"a connect with null":                `40null`,
		"a disconnect before the connect":    `41`,
		"an acknowledgement, before as well": `431[]`,
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := enginetest.OpenWebsocket(t, h.url)
			w.Say(packet)
			_ = w.ExpectEnd()
		})
	}
	enginetest.Eventually(t, "nobody is left", func() bool { return h.Clients() == 0 })
}

func TestClient_IsNotMindedForWhatMeansNothing(t *testing.T) {
	h := start(t, Options{})
	c := h.connect(nil)
	c.Say(`42["leaveRoom","ana_Create_User"]`, `421["Profile",{"Id":"ana_Create_User","Status":true}]`, `42[7,"x"]`, `437["what for"]`, `42["disconnect"]`)
	c.Say(`451-["other",{"_placeholder":true,"num":0}]`)
	c.SayBinary([]byte{0})
	c.expectNothing()
}

func TestClient_MaySendBinaryParts(t *testing.T) {
	h := start(t, Options{})
	c := h.connect(nil)
	c.Say(`451-3["joinRoom",{"_placeholder":true,"num":0}]`)
	c.SayBinary([]byte("ana_Create_User"))
	c.Expect(`433[{"error":"the room must be a string"}]`)
	c.Say(`452-4["joinRoom","ana_Create_User",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	c.SayBinary(make([]byte, 1000))
	c.SayBinary(nil)
	c.Expect(`434[{"joined":true}]`)
}

func TestClient_OfAnotherNamespaceIsTurnedAway(t *testing.T) {
	h := start(t, Options{})
	c := h.connect(nil)
	c.Say(`40/admin,{"token":"x"}`)
	c.Expect(`44/admin,{"message":"Invalid namespace"}`)
	c.Say(`42/admin,["joinRoom","ana_Create_User"]`)
	c.expectNothing()
}

func TestClient_MayLeaveAndComeBackOnOneConnection(t *testing.T) {
	h := start(t, Options{Authorize: onlyOwn})
	c := h.connect("token-of-ana")
	c.join("ana")
	c.Say("41")
	enginetest.Eventually(t, "the client has left", func() bool { return h.Clients() == 0 })
	if h.Emit("ana", created("s1")) != 0 {
		t.Error("who has left hears")
	}
	c.Say(`40{"token":"token-of-bob"}`)
	_ = c.Next()
	c.Say(`421["joinRoom","ana_Create_User"]`)
	c.Expect(`431[{"error":"not allowed to join this room"}]`)
	c.join("bob")
	h.Emit("bob", created("s2"))
	c.hear(created("s2"))
}

func TestClient_ThatNeverConnectsIsCutOff(t *testing.T) {
	const timeout, interval = time.Second, 200 * time.Millisecond
	h := start(t, Options{ConnectTimeout: timeout, PingInterval: interval})
	c := h.connect(nil)
	w, _ := enginetest.OpenWebsocket(t, h.url)
	for {
		packet, err := w.TryNext()
		if err != nil {
			break
		}
		if packet == "2" {
			w.Say("3")
		}
	}
	for range timeout / interval { // one that did connect is still there
		c.Expect("2")
		c.Say("3")
	}
}
