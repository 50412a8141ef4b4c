package parts

import (
	"net"
	"testing"
)

func TestFreePort_IsFreeAndBelowTheRangeOfOutgoingConnections(t *testing.T) {
	port, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if port < firstPort || port > lastPort {
		t.Errorf("port %d, want one between %d and %d", port, firstPort, lastPort)
	}
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		t.Fatalf("port %d is taken: %v", port, err)
	}
	_ = l.Close()
}
