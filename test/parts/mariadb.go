package parts

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// MariaDBServer is a real MariaDB.
type MariaDBServer struct {
	*Server
	// DSN is that of an administrator, without a database, in the form of
	// go-sql-driver/mysql.
	DSN string
}

// MariaDB returns the MariaDB that all tests of this binary share. Each takes a
// database of its own from it.
func MariaDB(t testing.TB) *MariaDBServer {
	t.Helper()
	server, err := sessionOf(t).mariaDB()
	if err != nil {
		t.Fatalf("parts: %v", err)
	}
	server.log(t)
	return &MariaDBServer{Server: server, DSN: server.url}
}

// MariaDBAlone starts an empty MariaDB for this test alone, which may stop it.
// It is as durable as its defaults make it: a commit survives kill -9.
func MariaDBAlone(t testing.TB) *MariaDBServer {
	t.Helper()
	server := sessionOf(t).own(t, mariaDBPart())
	return &MariaDBServer{Server: server, DSN: server.url}
}

// Database creates an empty utf8mb4 database and returns its DSN, that of DSN
// with the database's name. On a shared server it is dropped with the test.
func (s *MariaDBServer) Database(t testing.TB) string {
	t.Helper()
	config, err := mysql.ParseDSN(s.DSN)
	if err != nil {
		t.Fatalf("parts: reading the administrator's DSN: %v", err)
	}
	config.DBName = "test_" + rand.Text()
	if err := execSQL(s.DSN, "CREATE DATABASE `"+config.DBName+"` CHARACTER SET utf8mb4"); err != nil {
		t.Fatalf("parts: creating a database: %v", err)
	}
	if !s.alone { // the test may have left its own server stopped
		t.Cleanup(func() {
			if err := execSQL(s.DSN, "DROP DATABASE `"+config.DBName+"`"); err != nil {
				t.Errorf("parts: dropping the test's database: %v", err)
			}
		})
	}
	return config.FormatDSN()
}

// execSQL runs one statement on a connection of its own.
func execSQL(dsn, statement string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	db, err := openMariaDB(dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func mariaDBPart() part {
	// Without --skip-name-resolve every connection waits for a name server.
	common := []string{"--skip-name-resolve", "--max-connections=500", "--innodb-log-file-size=32M", "--character-set-server=utf8mb4"}
	return part{
		name:          "MariaDB",
		variable:      "TEST_MYSQL_DSN",
		install:       "apt-get install -y mariadb-server",
		image:         "mariadb:10.11",
		containerPort: "3306/tcp",
		containerEnv:  map[string]string{"MARIADB_ALLOW_EMPTY_ROOT_PASSWORD": "1"},
		containerArgs: common,
		binaries:      []string{"mariadbd", "mariadb-install-db"},
		prepare:       installMariaDB,
		args: func(folder string, port int) []string {
			return append(append(mariaDBBase(folder),
				"--bind-address=127.0.0.1", "--port="+strconv.Itoa(port),
				"--socket="+filepath.Join(folder, "socket"), "--pid-file="+filepath.Join(folder, "pid"),
			), common...)
		},
		url:   func(addr string) string { return "root@tcp(" + addr + ")/" },
		addr:  mariaDBAddr,
		ready: pingMariaDB,
	}
}

// mariaDBBase are the arguments that both programs take: none of the machine's
// own settings, and root only when the tests run as root. A server that starts
// removes the temporary tables that it finds, so each has a place of its own.
func mariaDBBase(folder string) []string {
	args := []string{"--no-defaults", "--datadir=" + filepath.Join(folder, "data"), "--tmpdir=" + folder}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	return args
}

// installMariaDB makes the system tables, with a root that needs no password.
func installMariaDB(ctx context.Context, bin []string, folder string) error {
	args := append(mariaDBBase(folder), "--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=32M")
	cmd := exec.CommandContext(ctx, bin[1], args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making its system tables: %w: %s", err, out[max(0, len(out)-outputLimit):])
	}
	return nil
}

func mariaDBAddr(dsn string) (string, error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return "", errors.New("it is not of the form user:password@tcp(host:port)/") // err may hold the password
	}
	return config.Addr, nil
}

func pingMariaDB(ctx context.Context, dsn string) (err error) {
	db, err := openMariaDB(dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("asking MariaDB: %w", err)
	}
	return nil
}

// openMariaDB opens a pool whose driver keeps quiet: while a server starts, a
// broken connection is nothing to report.
func openMariaDB(dsn string) (*sql.DB, error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, errors.New("it is not a DSN of go-sql-driver/mysql")
	}
	config.Logger = log.New(io.Discard, "", 0)
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("opening MariaDB: %w", err)
	}
	return sql.OpenDB(connector), nil
}
