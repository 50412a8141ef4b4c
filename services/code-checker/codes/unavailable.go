package codes

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// refusals begin the replies of a Redis that cannot serve anyone at present, or not us: it starts, has failed over, is
// out of memory or disk, is occupied, or wants other credentials. NOSCRIPT is among them because it can
// only persist while Redis keeps forgetting its scripts.
func refusals() []string {
	return []string{
		"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "NOREPLICAS",
		"BUSY", "MISCONF", "OOM", "NOSCRIPT", "NOAUTH", "WRONGPASS", "NOPERM",
		"max number of clients reached",
	}
}

// Unavailable says that an error is no fault of the call: Redis is away, too slow, or refuses everyone at present. The
// caller waits and tries again. It is false for nil, for a wrong call, for any other reply, and for a
// cancelled context.
func Unavailable(err error) bool {
	if err == nil || errors.Is(err, errMisuse) || errors.Is(err, context.Canceled) {
		return false
	}
	var reply redis.Error
	if errors.As(err, &reply) {
		return refused(reply.Error())
	}
	var network net.Error
	var errno syscall.Errno
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &network), errors.As(err, &errno), errors.As(err, &certificate), errors.As(err, &record):
		return true
	}
	for _, cause := range []error{
		context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
		redis.ErrPoolTimeout, redis.ErrPoolExhausted,
	} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// refused recognises a refusal also where an old Redis (before 7) wraps the reason that a script failed in a text of its
// own: "ERR Error running script …: -OOM command not allowed …".
func refused(reply string) bool {
	reply = strings.TrimPrefix(reply, "ERR ")
	for _, word := range refusals() {
		if strings.HasPrefix(reply, word) || strings.Contains(reply, ": -"+word+" ") {
			return true
		}
	}
	return false
}
