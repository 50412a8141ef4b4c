package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nkeys"

	"github.com/create-user/create-user/pkg/event"
)

// vault is a folder of secrets. After an error it does nothing more.
type vault struct {
	dir   string
	total int // secrets in it
	made  int // of them, by this run
	err   error
}

// secretMode lets a container that runs as another user read a secret. Each
// folder is mounted where its owner alone sees it; the folder above is closed.
const secretMode = 0o444

// keep returns a secret, made now if there is none.
func (v *vault) keep(name string, generate func() (string, error)) string {
	if v.err != nil {
		return ""
	}
	v.total++
	text, err := os.ReadFile(filepath.Join(v.dir, name))
	if err == nil {
		return strings.TrimSpace(string(text))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		v.err = fmt.Errorf("read a secret: %w", err)
		return ""
	}
	made, err := generate()
	if err != nil {
		v.err = fmt.Errorf("make %s: %w", name, err)
		return ""
	}
	v.made++
	v.put(name, made)
	return strings.TrimSpace(made)
}

// put writes a file that follows from others, in one step: whoever reads it
// meanwhile sees the old one or the new one.
func (v *vault) put(name, text string) {
	if v.err != nil {
		return
	}
	path := filepath.Join(v.dir, name)
	if old, err := os.ReadFile(path); err == nil && string(old) == text {
		return
	}
	v.err = writeSecret(path, text)
}

func writeSecret(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // see secretMode
		return fmt.Errorf("make a folder for secrets: %w", err)
	}
	next := path + ".new"
	if err := os.WriteFile(next, []byte(text), secretMode); err != nil {
		return fmt.Errorf("write a secret: %w", err)
	}
	return os.Rename(next, path)
}

// public returns the public half of an nkey's seed.
func (v *vault) public(seed string) string {
	if v.err != nil {
		return ""
	}
	key, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		v.err = fmt.Errorf("read an nkey's seed: %w", err)
		return ""
	}
	public, err := key.PublicKey()
	v.err = err
	return public
}

// publicKey returns the public half of the first of sealing keys.
func (v *vault) publicKey(private string) string {
	if v.err != nil {
		return ""
	}
	keys, err := event.ParsePrivateKeys(private)
	if err != nil {
		v.err = fmt.Errorf("read a sealing key: %w", err)
		return ""
	}
	return keys[0].Public().String()
}

// random returns 32 random bytes, in hex.
func random() (string, error) {
	secret := make([]byte, 32)
	_, err := rand.Read(secret)
	return hex.EncodeToString(secret), err
}
