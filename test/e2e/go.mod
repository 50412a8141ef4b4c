module github.com/create-user/create-user/test/e2e

go 1.26.0

require (
	github.com/create-user/create-user/migrations v0.0.0
	github.com/create-user/create-user/pkg v0.0.0
	github.com/create-user/create-user/services/code-checker v0.0.0
	github.com/create-user/create-user/services/encryptor v0.0.0
	github.com/create-user/create-user/services/user-writer v0.0.0
	github.com/create-user/create-user/streams v0.0.0
	github.com/create-user/create-user/test/parts v0.0.0
)

require (
	filippo.io/edwards25519 v1.2.0 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/go-sql-driver/mysql v1.10.1 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/nats-io/nats.go v1.55.0 // indirect
	github.com/nats-io/nkeys v0.4.16 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/redis/go-redis/v9 v9.23.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	github.com/create-user/create-user/migrations => ../../migrations
	github.com/create-user/create-user/pkg => ../../pkg
	github.com/create-user/create-user/services/code-checker => ../../services/code-checker
	github.com/create-user/create-user/services/encryptor => ../../services/encryptor
	github.com/create-user/create-user/services/user-writer => ../../services/user-writer
	github.com/create-user/create-user/streams => ../../streams
	github.com/create-user/create-user/test/parts => ../../test/parts
)
