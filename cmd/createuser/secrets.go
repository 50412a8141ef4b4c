package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/create-user/create-user/pkg/access"
	"github.com/create-user/create-user/pkg/event"
)

type secretsCommand struct {
	Dir   string   `arg:"" help:"The folder: one folder in it for each who gets secrets, with nothing but its own."`
	Hosts []string `help:"Names of the NATS servers, for their certificate." default:"nats,localhost"`
	Redis string   `help:"Redis, as host:port/database." default:"redis:6379/0"`
}

// Run makes the secrets of a deployment. What is there stays as it is, so a
// secret is renewed by deleting it, and whoever is new gets theirs.
func (c secretsCommand) Run(t *tool) error {
	v := &vault{dir: c.Dir}
	natsKeys(v)
	natsCertificate(v, c.Hosts, time.Now())
	sealingKeys(v)
	passwords(v, c.Redis)
	if v.err != nil {
		return v.err
	}
	return t.printf("%d secrets in %s: %d made, the others kept\n", v.total, c.Dir, v.made)
}

// natsKeys makes the nkey of everyone who connects to NATS, and what the server
// knows of them.
func natsKeys(v *vault) {
	var known strings.Builder
	for _, p := range access.Peers() {
		seed := v.keep(filepath.Join(p.Name, "nats.seed"), func() (string, error) {
			key, err := nkeys.CreateUser()
			if err != nil {
				return "", err
			}
			text, err := key.Seed()
			return string(text), err
		})
		fmt.Fprintf(&known, "%s: %q\n", p.KeyVariable(), v.public(seed))
	}
	v.put("nats/nkeys.conf", known.String())
	v.put("nats/jetstream.conf", fmt.Sprintf("JETSTREAM_KEY: %q\n", v.keep("nats/JETSTREAM_KEY", random)))
}

// sealingKeys makes the two key pairs, and hands each half to who needs it.
func sealingKeys(v *vault) {
	seal := v.keep("encryptor/SEAL_PRIVATE_KEYS", func() (string, error) { return newKey("seal") })
	letters := v.keep("createuser/DEAD_LETTER_PRIVATE_KEY", func() (string, error) { return newKey("dead") })
	sealPublic, lettersPublic := v.publicKey(seal), v.publicKey(letters)
	for _, name := range []string{event.StepTokenVerifier, access.Bridge, access.Publisher, access.Operator} {
		v.put(filepath.Join(name, "SEAL_PUBLIC_KEY"), sealPublic)
	}
	v.put("console/DEAD_LETTER_PRIVATE_KEY", letters)
	for _, p := range access.Peers() {
		if p.Name != access.Publisher {
			v.put(filepath.Join(p.Name, "DEAD_LETTER_PUBLIC_KEY"), lettersPublic)
		}
	}
}

// passwords makes what else is shared by two or more.
func passwords(v *vault, redis string) {
	jwt := v.keep("token-verifier/JWT_SECRET", random)
	v.put("notifier/JWT_SECRET", jwt)
	v.put("createuser/JWT_SECRET", jwt) // to try it out: createuser token

	pass := v.keep("redis/REDIS_PASSWORD", random)
	v.put("redis/redis.conf", "requirepass "+pass+"\n")
	for _, name := range []string{event.StepCodeChecker, access.Bridge, access.Operator} {
		v.put(filepath.Join(name, "REDIS_URL"), "redis://:"+pass+"@"+redis)
	}

	root := v.keep("mysql/MYSQL_ROOT_PASSWORD", random)
	v.put("createuser/MYSQL_PASSWORD", root) // who creates tables
	writer := v.keep("user-writer/MYSQL_PASSWORD", random)
	v.put("mysql-init/user-writer.sql", "CREATE USER 'user-writer'@'%' IDENTIFIED BY '"+writer+"';\n"+
		"GRANT SELECT, INSERT, UPDATE, DELETE ON users.* TO 'user-writer'@'%';\n")

	v.keep("encryption/ENCRYPT_KEY", func() (string, error) {
		text, err := random()
		return text[:32], err
	})
	v.keep("console/CONSOLE_TOKEN", random)
	v.keep("grafana/GF_SECURITY_ADMIN_PASSWORD", random)
}

// newKey makes a sealing key that is named after its use and today.
func newKey(use string) (string, error) {
	key, err := event.GenerateKey(use + time.Now().UTC().Format("20060102"))
	if err != nil {
		return "", err
	}
	return key.Text()
}
