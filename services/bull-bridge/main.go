// Command bull-bridge hands the jobs of an existing Bull queue over to Create
// User.
package main

import (
	"os"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/bull-bridge/bridge"
)

func main() { os.Exit(service.Main(bridge.Service())) }
