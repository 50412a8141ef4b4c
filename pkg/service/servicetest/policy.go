package servicetest

import (
	"errors"
	"reflect"

	"github.com/create-user/create-user/pkg/saga"
)

// Policy returns in words what the saga package makes of a handler's error:
// "next", "fail: <code>", "dead-letter", "hold" or "retry".
func Policy(err error) string {
	if err == nil {
		return "next"
	}
	if r, ok := errors.AsType[*saga.Rejection](err); ok {
		return "fail: " + string(r.Code)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		switch reflect.TypeOf(e) { // the types have no name outside of saga
		case reflect.TypeOf(saga.Poison(nil)):
			return "dead-letter"
		case reflect.TypeOf(saga.Unavailable(nil)):
			return "hold"
		}
	}
	return "retry"
}
