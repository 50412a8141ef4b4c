module github.com/create-user/create-user/services/encryptor

go 1.26.0

tool github.com/hooklift/gowsdl/cmd/gowsdl

require (
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/hooklift/gowsdl v0.5.0 // indirect
)
