package main

import (
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service"
)

func TestCommands_FindAServerWhosePortWasMoved(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepNotifier)
	register(s, "ada", key("ada", "signup-1"))
	port := service.Vars{"NATS_PORT": s.URL()[strings.LastIndex(s.URL(), ":")+1:]}
	command(t, port, "watch", "ada").succeeds(t, "saga signup-1")
	nowhere := service.Vars{"NATS_URL": "nats://127.0.0.1:1"}
	command(t, port.With(nowhere), "watch", "ada").fails(t, 1, "NATS_URL: no NATS server answers at nats://127.0.0.1:1")
	command(t, service.Vars{"REDIS_PORT": "1"}, "code", "ada").fails(t, 1, "REDIS_URL: no Redis answers at 127.0.0.1:1")
}
