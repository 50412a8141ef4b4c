package engineio

import (
	"encoding/json"
	"time"
)

// The types of packet: the first byte of each.
const (
	typeOpen    = '0'
	typeClose   = '1'
	typePong    = '3'
	typeMessage = '4'
	typeBinary  = 'b' // base64, on polling only
)

// separator stands between the packets of one poll or POST.
const separator = '\x1e'

// packets that are always the same.
const (
	pingPacket    = "2"
	closePacket   = "1"
	noopPacket    = "6"
	upgradePacket = "5"
	probePing     = "2probe"
	probePong     = "3probe"
)

// Packet is a message, encoded once for any number of sessions. It must not be changed.
type Packet []byte

// NewPacket encodes a text message, which must be UTF-8.
func NewPacket(message string) Packet {
	return append(Packet{typeMessage}, message...)
}

// openPacket tells a client its session and how it is kept alive.
func openPacket(id string, upgrades []string, o Options) (Packet, error) {
	body, err := json.Marshal(struct {
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}{id, upgrades, milliseconds(o.PingInterval), milliseconds(o.PingTimeout), o.MaxPayload})
	return append(Packet{typeOpen}, body...), err
}

func milliseconds(d time.Duration) int64 { return max(1, d.Milliseconds()) }

// join makes the body of a poll's answer.
func join(packets []Packet) []byte {
	size := len(packets)
	for _, p := range packets {
		size += len(p)
	}
	body := make([]byte, 0, size)
	for i, p := range packets {
		if i > 0 {
			body = append(body, separator)
		}
		body = append(body, p...)
	}
	return body
}
