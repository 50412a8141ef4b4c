// Package wsdl is the client of the encryption service as gowsdl generates it
// from encrypt.wsdl, and that contract itself. Nothing but the soap package
// should call it: on its own it opens a connection for every call, takes an
// empty answer for a success and panics at some hostile ones.
//
// After a change of encrypt.wsdl run "go generate ./soap/wsdl".
package wsdl

import _ "embed" // for Contract

//go:generate go tool gowsdl -d .. -p wsdl -o client.go ../../encrypt.wsdl
//go:generate cp ../../encrypt.wsdl contract.wsdl

// Contract is the text of encrypt.wsdl. It is a copy, because a Go package can
// embed only what stands in its own folder.
//
//go:embed contract.wsdl
var Contract string

// Address is where Contract says that the service is.
const Address = "http://localhost:4005/"
