package rooms

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/create-user/create-user/services/notifier/rooms/internal/engineio"
)

// kind is the type of a Socket.IO packet: its first byte.
type kind byte

const (
	kindConnect     kind = '0'
	kindDisconnect  kind = '1'
	kindEvent       kind = '2'
	kindAck         kind = '3'
	kindBinaryEvent kind = '5'
	kindBinaryAck   kind = '6'
)

const (
	maxAttachments = 10  // as the reference parser
	maxAckDigits   = 15  // what JavaScript counts exactly
	maxNamespace   = 128 // bytes; a name is sent back
	mainNamespace  = "/"
)

// errPacket is all that is said of a packet that cannot be read.
var errPacket = errors.New("the packet is not valid")

// packet is a Socket.IO packet of a client.
type packet struct {
	kind        kind
	attachments int    // binary messages that follow and belong to it
	namespace   string // "/" is the only one there is
	ack         string // the id of the acknowledgement that the client awaits; "" when none
	payload     []byte // JSON; empty when there is none
}

// parse reads <kind>[<attachments>-][/<namespace>,][<ack>][<payload>].
func parse(text string) (packet, error) {
	if text == "" {
		return packet{}, errPacket
	}
	p := packet{kind: kind(text[0]), namespace: mainNamespace}
	rest := text[1:]
	switch p.kind {
	case kindBinaryEvent, kindBinaryAck:
		count, after, found := strings.Cut(rest, "-")
		n, err := strconv.ParseUint(count, 10, 8)
		if !found || err != nil || n < 1 || n > maxAttachments {
			return packet{}, errPacket
		}
		p.attachments, rest = int(n), after
	case kindConnect, kindDisconnect, kindEvent, kindAck:
	default:
		return packet{}, errPacket
	}
	if strings.HasPrefix(rest, "/") {
		p.namespace, rest, _ = strings.Cut(rest, ",")
		p.namespace, _, _ = strings.Cut(p.namespace, "?") // a query is not part of the name
	}
	if len(p.namespace) > maxNamespace {
		return packet{}, errPacket
	}
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	if digits > maxAckDigits {
		return packet{}, errPacket
	}
	p.ack, p.payload = rest[:digits], []byte(rest[digits:])
	return p, nil
}

// event reads the payload of an event: its name and its arguments.
func (p packet) event() (name string, args []json.RawMessage, err error) {
	var all []json.RawMessage
	if json.Unmarshal(p.payload, &all) != nil || len(all) == 0 {
		return "", nil, errPacket
	}
	if name, ok := text(all[0]); ok {
		return name, all[1:], nil
	}
	if _, err := strconv.ParseFloat(string(all[0]), 64); err != nil {
		return "", nil, errPacket
	}
	return "", all[1:], nil // an event named by a number: allowed, and none of ours
}

// token reads the payload of a connect: an object, whose token is "" when it is
// missing, no string or too long, none of which any room accepts.
func (p packet) token() (string, error) {
	if len(p.payload) == 0 {
		return "", nil
	}
	var auth map[string]json.RawMessage
	if json.Unmarshal(p.payload, &auth) != nil || auth == nil {
		return "", errPacket
	}
	token, _ := text(auth["token"])
	if len(token) > maxToken {
		return "", nil
	}
	return token, nil
}

// text reads a JSON string.
func text(raw json.RawMessage) (s string, ok bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

func connectedPacket(id string) engineio.Packet {
	return engineio.NewPacket("0" + encode(map[string]string{"sid": id}))
}

func unknownNamespacePacket(namespace string) engineio.Packet {
	return engineio.NewPacket("4" + namespace + "," + encode(map[string]string{"message": "Invalid namespace"}))
}

func eventPacket(name string, argument any) engineio.Packet {
	return engineio.NewPacket("2" + encode([]any{name, argument}))
}

func ackPacket(ack string, argument any) engineio.Packet {
	return engineio.NewPacket("3" + ack + encode([]any{argument}))
}

func profileResponse(m Message) engineio.Packet { return eventPacket("Profile_Response", m) }

// encode is only given strings, booleans and what is made of them, which JSON can
// always say.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("rooms: encode %T: %v", v, err))
	}
	return string(b)
}
