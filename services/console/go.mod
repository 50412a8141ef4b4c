module github.com/create-user/create-user/services/console

go 1.26.0

require (
	github.com/create-user/create-user/pkg v0.0.0
	github.com/create-user/create-user/services/code-checker v0.0.0
	github.com/create-user/create-user/streams v0.0.0
	github.com/google/go-cmp v0.7.0
	github.com/nats-io/nats.go v1.55.0
	github.com/redis/go-redis/v9 v9.23.0
	github.com/rs/zerolog v1.35.1
	go.uber.org/goleak v1.3.0
)

replace (
	github.com/create-user/create-user/pkg => ../../pkg
	github.com/create-user/create-user/services/code-checker => ../../services/code-checker
	github.com/create-user/create-user/streams => ../../streams
)
