package main

import (
	"fmt"
	"time"

	"github.com/create-user/create-user/pkg/event"
)

type keygenCommand struct {
	For string `arg:"" enum:"seal,dead-letter" default:"seal" help:"What the pair is for: seal (credentials, for the encryptor) or dead-letter (for operators)."`
	ID  string `help:"The key's id: 1 to 32 characters of A-Za-z0-9_-. Default: made from today's date."`
}

// Run prints the settings of a new key pair.
func (c keygenCommand) Run(t *tool) error {
	if c.ID == "" {
		c.ID = "k" + time.Now().UTC().Format("20060102")
	}
	key, err := event.GenerateKey(c.ID)
	if err != nil {
		return fmt.Errorf("--id: %w", err)
	}
	text, err := key.Text()
	if err != nil {
		return err
	}
	public, private, who := "SEAL_PUBLIC_KEY", "SEAL_PRIVATE_KEYS", "the encryptor alone; when rotating, put it before the old ones, separated by a comma"
	if c.For == "dead-letter" {
		public, private, who = "DEAD_LETTER_PUBLIC_KEY", "DEAD_LETTER_PRIVATE_KEY", "operators who replay dead letters"
	}
	return t.printf("# public: every service and publisher\n%s=%s\n# secret: %s\n%s=%s\n", public, key.Public(), who, private, text)
}
