package main

import (
	"testing"

	"github.com/create-user/create-user/pkg/service"
)

func TestStandIn_NamesTheSettingThatIsWrong(t *testing.T) {
	t.Parallel()
	command(t, service.Vars{"CREATE_USER_MODE": "compose"}, "stand-in").fails(t, 1, "ENCRYPT_KEY is not set")
	command(t, service.Vars{"CREATE_USER_MODE": "compose", "ENCRYPT_KEY": "short"}, "stand-in").fails(t, 1, "ENCRYPT_KEY: ")
	command(t, service.Vars{"CREATE_USER_MODE": "compose", "ENCRYPT_KEY": service.DevEncryptKey}, "stand-in").fails(t, 1, "public development value")
}
