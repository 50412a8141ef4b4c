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

replace (
	github.com/create-user/create-user/migrations => ../../migrations
	github.com/create-user/create-user/pkg => ../../pkg
	github.com/create-user/create-user/services/code-checker => ../../services/code-checker
	github.com/create-user/create-user/services/encryptor => ../../services/encryptor
	github.com/create-user/create-user/services/user-writer => ../../services/user-writer
	github.com/create-user/create-user/streams => ../../streams
	github.com/create-user/create-user/test/parts => ../../test/parts
)
