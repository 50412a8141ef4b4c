// Command token-verifier verifies the token of each registration request and
// begins its saga.
package main

import (
	"os"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/token-verifier/verify"
)

func main() { os.Exit(service.Main(verify.Service())) }
