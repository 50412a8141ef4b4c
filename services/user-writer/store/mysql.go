package store

import (
	"cmp"
	"context"
	"crypto/tls"
	"database/sql"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"
	"go.opentelemetry.io/otel/trace"
)

// MySQL says how to reach a MySQL or MariaDB server. The store's account needs
// SELECT, INSERT and DELETE on Users, and SELECT, INSERT and UPDATE on
// create_user_inbox. The account that migrates needs CREATE, SELECT, INSERT and UPDATE
// on the database.
type MySQL struct {
	Address  string // host:port, host alone for port 3306, or the path of a Unix socket
	User     string
	Password string
	Database string
	TLS      *tls.Config // nil: in clear. An empty ServerName is taken from Address

	Connections int           // at most; 10 if zero
	DialTimeout time.Duration // for the TCP connection alone; 5 s if zero
	// ReadTimeout is how long a server may stay silent, 30 s if zero. It bounds every
	// statement, beside the contexts.
	ReadTimeout time.Duration
	// LockWait is how long a transaction waits for another's lock before it is
	// repeated. It is rounded to whole seconds; 5 s if zero.
	LockWait time.Duration

	// Tracing makes a span of each statement, below the one in its context. Nil: none.
	Tracing trace.TracerProvider
}

// maxBatchBytes bounds the values in one statement. Above it the time goes into the
// bytes and not into the statements.
const maxBatchBytes = 1 << 20

// Connect returns connections to the server, which it does not contact yet. They are
// strict about values, speak UTF-8 and UTC, and suit the migrations.
func (m MySQL) Connect() (*sql.DB, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.DBName = m.User, m.Password, m.Database
	cfg.Net, cfg.Addr = "tcp", m.Address
	if strings.HasPrefix(m.Address, "/") {
		cfg.Net = "unix"
	} else if _, _, err := net.SplitHostPort(m.Address); err != nil {
		cfg.Addr = net.JoinHostPort(m.Address, "3306")
	}
	if m.TLS != nil {
		cfg.TLS = m.TLS.Clone()
	}
	cfg.Timeout = cmp.Or(m.DialTimeout, 5*time.Second)
	cfg.ReadTimeout = cmp.Or(m.ReadTimeout, 30*time.Second)
	cfg.WriteTimeout = cfg.ReadTimeout
	cfg.ParseTime, cfg.Loc = true, time.UTC
	cfg.InterpolateParams = true    // one round trip a statement instead of three
	cfg.RejectReadOnly = true       // after a failover, leave a server that became a replica
	cfg.MaxAllowedPacket = 0        // ask the server
	cfg.Logger = &mysql.NopLogger{} // what it says is in the errors too
	cfg.Params = map[string]string{
		"sql_mode":                 "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
		"time_zone":                "'+00:00'",
		"innodb_lock_wait_timeout": fmt.Sprint(max(1, int(cmp.Or(m.LockWait, 5*time.Second).Round(time.Second).Seconds()))),
	}
	if err := cfg.Apply(mysql.Charset("utf8mb4", "utf8mb4_bin")); err != nil {
		return nil, fmt.Errorf("set the character set: %w", err)
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("read the settings of MySQL: %w", err)
	}
	db := openDB(connector, "mysql", m.Tracing)
	connections := cmp.Or(m.Connections, 10)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxLifetime(3 * time.Minute) // below what proxies and servers cut off by themselves
	return db, nil
}

// OpenMySQL returns the store in a MySQL or MariaDB database whose migrations are
// applied. It looks at the table Users and refuses one in which it could not keep its
// word. While the server is away it fails with an error that [Unavailable] knows.
func OpenMySQL(ctx context.Context, m MySQL) (Store, error) {
	db, err := m.Connect()
	if err != nil {
		return nil, err
	}
	s := &sqlStore{db: sqlx.NewDb(db, "mysql"), dialect: mysqlDialect()}
	if err := s.inspect(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open the MySQL database: %w", err)
	}
	return s, nil
}

func mysqlDialect() dialect {
	return dialect{
		isolation: sql.LevelReadCommitted,
		lock:      ` FOR UPDATE`,
		onKnown:   ` ON DUPLICATE KEY UPDATE state = 'removed', changed = ?`,
		explain:   explainMySQL,
	}
}
