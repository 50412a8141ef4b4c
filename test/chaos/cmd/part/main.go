// Command part serves one of the parts around Create User as a process that can
// be killed and frozen: the encryption stand-in, or the issuer's public keys.
//
//	part encryption <address>          the key stands in ENCRYPT_KEY
//	part keys <address> <JWK set file>
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/create-user/create-user/services/encryptor/standin"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "part:", err)
		os.Exit(1)
	}
}

// run serves until the process is ended.
func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "encryption":
		service, err := standin.New([]byte(os.Getenv("ENCRYPT_KEY")))
		if err != nil {
			return err
		}
		if _, err := standin.Start(context.Background(), args[1], service); err != nil {
			return err
		}
		select {}
	case len(args) == 3 && args[0] == "keys":
		set, err := os.ReadFile(args[2])
		if err != nil {
			return fmt.Errorf("read the keys: %w", err)
		}
		server := &http.Server{Addr: args[1], ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/jwk-set+json")
				_, _ = w.Write(set) // who is gone needs no answer
			})}
		return server.ListenAndServe()
	}
	return errors.New("usage: part encryption <address> | part keys <address> <file>")
}
