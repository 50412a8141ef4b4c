package main

import (
	"net"
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/encryptor/standin"
)

func TestStandIn_NamesTheSettingThatIsWrong(t *testing.T) {
	t.Parallel()
	command(t, service.Vars{"CREATE_USER_MODE": "compose"}, "stand-in").fails(t, 1, "ENCRYPT_KEY is not set")
	command(t, service.Vars{"CREATE_USER_MODE": "compose", "ENCRYPT_KEY": "short"}, "stand-in").fails(t, 1, "ENCRYPT_KEY: ")
	command(t, service.Vars{"CREATE_USER_MODE": "compose", "ENCRYPT_KEY": service.DevEncryptKey}, "stand-in").fails(t, 1, "public development value")
}

func TestHealthCheck_IsTheStandIns(t *testing.T) {
	t.Parallel()
	handler, err := standin.New([]byte(service.DevEncryptKey))
	if err != nil {
		t.Fatal(err)
	}
	server, err := standin.Start(t.Context(), "127.0.0.1:0", handler)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(strings.Trim(strings.TrimPrefix(server.URL(), "http://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	vars := service.Vars{"LISTEN_HOST": "0.0.0.0", "ENCRYPT_PORT": port}
	command(t, vars, "healthcheck").succeeds(t)
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	command(t, vars, "healthcheck").fails(t, 1, "the stand-in does not encrypt")
}
