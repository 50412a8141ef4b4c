// Command encryptor has the credentials of each registration encrypted by the
// SOAP encryption service.
package main

import (
	"os"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/encryptor/encrypt"
)

func main() { os.Exit(service.Main(encrypt.Service())) }
