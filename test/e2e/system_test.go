package e2e

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/token"
	"github.com/create-user/create-user/services/encryptor/standin"
	"github.com/create-user/create-user/test/parts"
)

// sagaTime is how long a saga may take before a test gives up on it.
const sagaTime = 60 * time.Second

// system is the whole of Create User, running: the five services as processes.
type system struct {
	t     testing.TB
	vars  map[string]string
	logs  *logs
	js    jetstream.JetStream
	store *saga.Store
	redis *redis.Client
	users *sql.DB
	room  string // URL of the Socket.IO server
	nats  *parts.NATSServer
	procs map[string]*process
}

// startSystem starts the system, with over laid over its variables.
func startSystem(t testing.TB, over map[string]string) *system {
	t.Helper()
	s := &system{t: t, logs: &logs{}, nats: parts.NATS(t), procs: map[string]*process{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs of all services:\n%.20000s", s.logs)
		}
	})
	notifier := freePort(t)
	s.room = "http://127.0.0.1:" + notifier
	s.vars = service.DevSecrets().With(service.Vars{
		"CREATE_USER_MODE": service.ModeDevelopment,
		"NATS_URL":         s.nats.URL,
		"REDIS_URL":        parts.Redis(t).URL,
		"ENCRYPT_URL":      encryptionService(t),
		"NOTIFIER_PORT":    notifier,
		"LOG_LEVEL":        "debug",
	}).With(s.database()).With(over)
	s.connect()
	mustCommand(t, s.vars, "streams", "apply")
	mustCommand(t, s.vars, "migrate", "up")
	for _, name := range []string{"token-verifier", "code-checker", "encryptor", "user-writer", "notifier", "watchdog"} {
		s.start(name)
	}
	t.Cleanup(func() { // runs before each is waited for: they stop at once
		for _, p := range s.procs {
			p.signal()
		}
	})
	return s
}

// start starts one service and waits until it is ready.
func (s *system) start(name string) *process {
	s.t.Helper()
	port := freePort(s.t)
	p := startProcess(s.t, service.Vars(s.vars).With(service.Vars{"METRICS_PORT": port}), s.logs, name)
	s.procs[name] = p
	waitReady(s.t, "http://127.0.0.1:"+port+"/readyz", p)
	return p
}

// database returns the variables of a fresh database, and opens it.
func (s *system) database() service.Vars {
	s.t.Helper()
	config, err := mysql.ParseDSN(parts.MariaDB(s.t).Database(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(config.Addr)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.users, err = sql.Open("mysql", config.FormatDSN()); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = s.users.Close() })
	return service.Vars{
		"MYSQL_HOST": host, "MYSQL_PORT": port, "MYSQL_USER": config.User,
		"MYSQL_PASSWORD": config.Passwd, "MYSQL_DATABASE": config.DBName,
	}
}

func (s *system) connect() {
	s.t.Helper()
	conn, err := nats.Connect(s.vars["NATS_URL"], nats.MaxReconnects(-1))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Close)
	if s.js, err = jetstream.New(conn); err != nil {
		s.t.Fatal(err)
	}
	s.store = saga.NewStore(s.js)
	options, err := redis.ParseURL(s.vars["REDIS_URL"])
	if err != nil {
		s.t.Fatal(err)
	}
	s.redis = redis.NewClient(options)
	s.t.Cleanup(func() { _ = s.redis.Close() })
}

// request is a request as any upstream service may publish it.
type request map[string]any

// pixel is an image.
const pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="

// userName is the name of every user who is not refused for it.
const userName = "Ada Lovelace"

// faultyPhone is a phone for which the encryption service answers with a fault.
const faultyPhone = "+49151000FAULT"

// validRequest stores a code for the Id and returns a request that must succeed.
func (s *system) validRequest(id string) request {
	s.t.Helper()
	s.storeCode(id, "123456")
	return request{
		"Id": id, "Token": s.token(id), "Code": "123456", "Phone": "+4915112345678",
		"Password": "correct horse battery", "Username": userName, "Image": pixel,
	}
}

// with returns a copy of r with one field changed.
func (r request) with(field string, value any) request {
	c := request{field: value}
	for name, v := range r {
		if name != field {
			c[name] = v
		}
	}
	return c
}

func (s *system) token(id string) string {
	s.t.Helper()
	signed, err := token.Sign([]byte(service.DevJWTSecret), id, time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	return signed
}

func (s *system) storeCode(id, code string) {
	s.t.Helper()
	if err := s.redis.Set(s.t.Context(), id, code, 10*time.Minute).Err(); err != nil {
		s.t.Fatal(err)
	}
}

// code returns the code that is stored for an Id, "" if none is.
func (s *system) code(id string) string {
	s.t.Helper()
	code, err := s.redis.Get(s.t.Context(), id).Result()
	if err != nil && err != redis.Nil {
		s.t.Fatal(err)
	}
	return code
}

// publish publishes r as plain JSON, without any header but the message id when
// one is given. It returns the saga's key, with any saga of the user when the
// id is left to the system.
func (s *system) publish(r request, msgID string) event.Key {
	s.t.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.publishRaw(body, msgID)
	id, _ := r["Id"].(string)
	return event.Key{User: event.UserHash(id), Saga: cmp.Or(msgID, "*")}
}

// publishRaw publishes any bytes as a request.
func (s *system) publishRaw(body []byte, msgID string) {
	s.t.Helper()
	msg := nats.NewMsg(event.SubjectRequested)
	msg.Data = body
	var options []jetstream.PublishOpt
	if msgID != "" {
		options = append(options, jetstream.WithMsgID(msgID))
	}
	if _, err := s.js.PublishMsg(s.t.Context(), msg, options...); err != nil {
		s.t.Fatalf("publish: %v", err)
	}
}

// outcome waits for the end of a saga.
func (s *system) outcome(k event.Key) event.Ended {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), sagaTime)
	defer cancel()
	consumer, err := s.js.OrderedConsumer(ctx, event.StreamEvents, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{k.Subject(event.TypeCompleted), k.Subject(event.TypeFailed)},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	msg, err := consumer.Next(jetstream.FetchContext(ctx))
	if err != nil {
		s.t.Fatalf("saga %s has not ended: %v", k.Saga, err)
	}
	var ended event.Ended
	if err := json.Unmarshal(msg.Data(), &ended); err != nil {
		s.t.Fatal(err)
	}
	return ended
}

// history returns the types of a saga's events so far.
func (s *system) history(k event.Key) []event.Type {
	s.t.Helper()
	var types []event.Type
	for _, e := range s.contents(event.StreamEvents, k.History()) {
		t, _, err := event.ParseSubject(e.Subject())
		if err != nil {
			s.t.Fatal(err)
		}
		types = append(types, t)
	}
	return types
}

// contents returns every message of a stream whose subject matches filter.
func (s *system) contents(stream, filter string) []jetstream.Msg {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), sagaTime)
	defer cancel()
	consumer, err := s.js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	if err != nil {
		s.t.Fatal(err)
	}
	left := consumer.CachedInfo().NumPending
	var all []jetstream.Msg
	for ; left > 0; left-- {
		msg, err := consumer.Next(jetstream.FetchContext(ctx))
		if err != nil {
			s.t.Fatalf("read stream %s: %v", stream, err)
		}
		all = append(all, msg)
	}
	return all
}

// row is a user as it stands in the table.
type row struct{ Phone, Password, Name, Image string }

// row returns the row of an Id, and whether there is one.
func (s *system) row(id string) (row, bool) {
	s.t.Helper()
	var r row
	err := s.users.QueryRowContext(s.t.Context(), "SELECT Phone, Password, Name, Image FROM Users WHERE Id = ?", id).
		Scan(&r.Phone, &r.Password, &r.Name, &r.Image)
	if err == sql.ErrNoRows {
		return row{}, false
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return r, true
}

// faulty answers with a SOAP fault for faultyPhone and passes all else on.
func faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if !bytes.Contains(body, []byte(faultyPhone)) {
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>`+
			`<soap:Fault><faultcode>soap:Server</faultcode><faultstring>cannot encrypt</faultstring></soap:Fault>`+
			`</soap:Body></soap:Envelope>`)
	})
}

// encryptionService serves the stand-in; for faultyPhone it answers with a fault.
func encryptionService(t testing.TB) string {
	t.Helper()
	handler, err := standin.New([]byte(service.DevEncryptKey))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(faulty(handler))
	t.Cleanup(server.Close)
	return server.URL
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// waitReady asks a readiness probe until it answers 200.
func waitReady(t testing.TB, url string, p *process) {
	t.Helper()
	deadline := time.After(sagaTime)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if answer, err := http.Get(url); err == nil { //nolint:noctx // the loop is bounded
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-p.done:
			t.Fatalf("%s ended before it was ready: %v", p.name, p.err)
		case <-deadline:
			t.Fatalf("%s is not ready: %s", p.name, url)
		}
	}
}
