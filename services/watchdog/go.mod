module github.com/create-user/create-user/services/watchdog

go 1.26.0
