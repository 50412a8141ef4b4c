// Command code-checker checks and claims the code of each registration, and
// deletes or releases it when the saga ends.
package main

import (
	"os"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/code-checker/check"
)

func main() { os.Exit(service.Main(check.Service())) }
