// Command notifier tells each user the outcome of their registration over
// Socket.IO.
package main

import (
	"os"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/notifier/notify"
)

func main() { os.Exit(service.Main(notify.Service())) }
