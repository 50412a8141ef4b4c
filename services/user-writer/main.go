// Command user-writer inserts each user into the database, and removes the row of
// a saga that failed.
package main

import (
	"os"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/user-writer/write"
)

func main() { os.Exit(service.Main(write.Service())) }
