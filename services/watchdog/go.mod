module github.com/create-user/create-user/services/watchdog

go 1.26.0

require github.com/create-user/create-user/pkg v0.0.0

replace github.com/create-user/create-user/pkg => ../../pkg
