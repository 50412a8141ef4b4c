// Command watchdog ends the sagas whose deadline has passed.
package main

import (
	"os"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/watchdog/watch"
)

func main() { os.Exit(service.Main(watch.Service())) }
