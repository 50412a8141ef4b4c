module github.com/create-user/create-user/test/model

go 1.26.0

require (
	github.com/alicebob/miniredis/v2 v2.40.0
	github.com/create-user/create-user/pkg v0.0.0
	github.com/create-user/create-user/services/code-checker v0.0.0
	github.com/create-user/create-user/services/user-writer v0.0.0
	github.com/create-user/create-user/test/chaos v0.0.0
	github.com/google/go-cmp v0.7.0
	github.com/nats-io/nats.go v1.55.0
	github.com/rs/zerolog v1.35.1
)

require (
	github.com/XSAM/otelsql v0.44.0 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/go-logr/logr v1.4.4 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/nats-io/nkeys v0.4.16 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/yuin/gopher-lua v1.1.1 // indirect
	go.opentelemetry.io/auto/sdk v1.2.1 // indirect
	go.opentelemetry.io/otel v1.47.0 // indirect
	go.opentelemetry.io/otel/log v1.47.0 // indirect
	go.opentelemetry.io/otel/metric v1.47.0 // indirect
	go.opentelemetry.io/otel/sdk/metric v1.47.0 // indirect
	go.opentelemetry.io/otel/trace v1.47.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
)

require (
	filippo.io/edwards25519 v1.2.0 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/create-user/create-user/migrations v0.0.0 // indirect
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/go-sql-driver/mysql v1.10.1 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/jmoiron/sqlx v1.4.0 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/mfridman/interpolate v0.0.2 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/pressly/goose/v3 v3.29.0 // indirect
	github.com/redis/go-redis/v9 v9.23.0
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	github.com/sethvargo/go-retry v0.5.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	modernc.org/libc v1.80.1 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
	modernc.org/sqlite v1.62.0 // indirect
	pgregory.net/rapid v1.3.0
)

replace (
	github.com/create-user/create-user/migrations => ../../migrations
	github.com/create-user/create-user/pkg => ../../pkg
	github.com/create-user/create-user/services/code-checker => ../../services/code-checker
	github.com/create-user/create-user/services/encryptor => ../../services/encryptor
	github.com/create-user/create-user/services/notifier => ../../services/notifier
	github.com/create-user/create-user/services/token-verifier => ../../services/token-verifier
	github.com/create-user/create-user/services/user-writer => ../../services/user-writer
	github.com/create-user/create-user/services/watchdog => ../../services/watchdog
	github.com/create-user/create-user/streams => ../../streams
	github.com/create-user/create-user/test/chaos => ../chaos
	github.com/create-user/create-user/test/parts => ../parts
)
