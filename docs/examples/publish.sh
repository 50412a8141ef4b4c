#!/bin/sh
# Publishes one registration request with the nats CLI
# (go install github.com/nats-io/natscli/nats@v0.5.1).
#
#   NATS_URL=nats://127.0.0.1:4222 sh publish.sh <key> '{"Id": …, "Token": …, …}'
#
# --jetstream waits for the acknowledgement. The key is the idempotency key: publish
# the same again, after an error too, and it is one registration.
set -eu
nats publish user.create.requested --jetstream --no-templates --header "Nats-Msg-Id:$1" "$2"
