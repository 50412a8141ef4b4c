// Command console is the operators' page: the flow of registrations, each saga's
// history, and the dead letters.
package main

import (
	"os"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/console/console"
)

func main() { os.Exit(service.Main(console.Service(nil))) }
