package main

import "github.com/create-user/create-user/pkg/access"

//go:generate sh -c "go run . nats-config > ../../deploy/nats/accounts.conf"

type natsConfigCommand struct{}

// Run prints the accounts of a NATS server, for its configuration.
func (natsConfigCommand) Run(t *tool) error { return access.WriteConfig(t.out, access.Peers()) }
