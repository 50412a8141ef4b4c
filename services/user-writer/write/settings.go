package write

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"go.opentelemetry.io/otel/trace"

	"github.com/create-user/create-user/migrations"
	"github.com/create-user/create-user/services/user-writer/store"
)

// Settings are the service's own settings: where the users are kept.
type Settings struct {
	Host        string `env:"MYSQL_HOST" help:"MySQL or MariaDB server, or the path of its socket"`
	Port        uint16 `env:"MYSQL_PORT" envDefault:"3306" help:"its port"`
	User        string `env:"MYSQL_USER" envDefault:"root" help:"its account: SELECT, INSERT, DELETE on Users; also UPDATE on create_user_inbox"`
	Password    string `env:"MYSQL_PASSWORD" secret:"true" help:"the account's password"`
	Database    string `env:"MYSQL_DATABASE" envDefault:"users" help:"the database with the table Users"`
	TLS         bool   `env:"MYSQL_TLS" help:"true: connect by TLS"`
	CA          string `env:"MYSQL_CA" help:"file with the server's CA certificate; default the system's"`
	Connections int    `env:"MYSQL_CONNECTIONS" envDefault:"10" help:"connections at most"`
	SQLite      string `env:"SQLITE_PATH" help:"a SQLite file in place of MySQL, for development"`
}

// Validate returns an error unless exactly one database is named, for what
// would be less safe than it looks, and for a CA certificate that cannot be read.
func (s Settings) Validate() error {
	switch {
	case s.Host == "" && s.SQLite == "":
		return errors.New("MYSQL_HOST is not set: name the database server (or SQLITE_PATH, for development)")
	case s.Host != "" && s.SQLite != "":
		return errors.New("MYSQL_HOST and SQLITE_PATH are both set: keep one")
	case s.SQLite != "" && !store.HasSQLite:
		return errors.New("SQLITE_PATH: SQLite is not in this program, which was built for deployments: set MYSQL_HOST to a database server")
	case s.CA != "" && !s.TLS:
		return errors.New("MYSQL_CA is set, but the connection is in clear: set MYSQL_TLS=true, too")
	case s.Connections <= 0:
		return errors.New("MYSQL_CONNECTIONS: must be above 0")
	}
	_, err := s.mysql()
	return err
}

// Open opens the users' store, with a span for each statement unless tracing is nil.
func (s Settings) Open(ctx context.Context, tracing trace.TracerProvider) (store.Store, error) {
	if s.SQLite != "" {
		return store.OpenTracedSQLite(ctx, s.SQLite, tracing)
	}
	m, err := s.mysql()
	if err != nil {
		return nil, err
	}
	m.Tracing = tracing
	return store.OpenMySQL(ctx, m)
}

// Connect returns plain connections to the users' database, for its
// migrations, and its dialect.
func (s Settings) Connect() (*sql.DB, migrations.Dialect, error) {
	if s.SQLite != "" {
		db, err := store.ConnectSQLite(s.SQLite)
		return db, migrations.SQLite, err
	}
	m, err := s.mysql()
	if err != nil {
		return nil, "", err
	}
	db, err := m.Connect()
	return db, migrations.MySQL, err
}

func (s Settings) mysql() (store.MySQL, error) {
	address := s.Host
	if len(address) > 0 && address[0] != '/' {
		address = net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port)))
	}
	m := store.MySQL{
		Address: address, User: s.User, Password: s.Password,
		Database: s.Database, Connections: s.Connections,
	}
	if !s.TLS {
		return m, nil
	}
	m.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CA == "" {
		return m, nil
	}
	pem, err := os.ReadFile(s.CA)
	if err != nil {
		return m, fmt.Errorf("MYSQL_CA: %w", err)
	}
	m.TLS.RootCAs = x509.NewCertPool()
	if !m.TLS.RootCAs.AppendCertsFromPEM(pem) {
		return m, fmt.Errorf("MYSQL_CA: no certificate in %s", s.CA)
	}
	return m, nil
}
