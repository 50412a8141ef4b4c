package harness

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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

// SagaTime is how long a saga may take before a test gives up on it.
const SagaTime = 60 * time.Second

// System is the whole of Create User, running: the services as processes.
type System struct {
	T     testing.TB
	Vars  map[string]string // the environment of every process
	Logs  *Logs             // what every service prints
	JS    jetstream.JetStream
	Store *saga.Store
	Redis *redis.Client
	Users *sql.DB
	Room  string // URL of the Socket.IO server
	NATS  *parts.NATSServer
	Procs map[string]*Process // by service
}

// Start starts the system, with over laid over its variables.
func Start(t testing.TB, over map[string]string) *System {
	t.Helper()
	s := &System{T: t, Logs: &Logs{}, NATS: parts.NATS(t), Procs: map[string]*Process{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs of all services:\n%.20000s", s.Logs)
		}
	})
	notifier := FreePort(t)
	s.Room = "http://127.0.0.1:" + notifier
	s.Vars = service.DevSecrets().With(service.Vars{
		"CREATE_USER_MODE": service.ModeDevelopment,
		"NATS_URL":         s.NATS.URL,
		"REDIS_URL":        parts.Redis(t).URL,
		"ENCRYPT_URL":      EncryptionService(t),
		"NOTIFIER_PORT":    notifier,
		"LOG_LEVEL":        "debug",
	}).With(s.database()).With(over)
	s.connect()
	MustCommand(t, s.Vars, "streams", "apply")
	MustCommand(t, s.Vars, "migrate", "up")
	for _, name := range []string{"token-verifier", "code-checker", "encryptor", "user-writer", "notifier", "watchdog"} {
		s.Start(name)
	}
	t.Cleanup(func() { // runs before each is waited for: they stop at once
		for _, p := range s.Procs {
			p.Signal()
		}
	})
	return s
}

// Start starts one service and waits until it is ready.
func (s *System) Start(name string) *Process {
	s.T.Helper()
	port := FreePort(s.T)
	p := StartProcess(s.T, service.Vars(s.Vars).With(service.Vars{"METRICS_PORT": port}), s.Logs, name)
	s.Procs[name] = p
	WaitReady(s.T, "http://127.0.0.1:"+port+"/readyz", p)
	return p
}

// database returns the variables of a fresh database, and opens it.
func (s *System) database() service.Vars {
	s.T.Helper()
	config, err := mysql.ParseDSN(parts.MariaDB(s.T).Database(s.T))
	if err != nil {
		s.T.Fatal(err)
	}
	host, port, err := net.SplitHostPort(config.Addr)
	if err != nil {
		s.T.Fatal(err)
	}
	if s.Users, err = sql.Open("mysql", config.FormatDSN()); err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { _ = s.Users.Close() })
	return service.Vars{
		"MYSQL_HOST": host, "MYSQL_PORT": port, "MYSQL_USER": config.User,
		"MYSQL_PASSWORD": config.Passwd, "MYSQL_DATABASE": config.DBName,
	}
}

func (s *System) connect() {
	s.T.Helper()
	conn, err := nats.Connect(s.Vars["NATS_URL"], nats.MaxReconnects(-1))
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(conn.Close)
	if s.JS, err = jetstream.New(conn); err != nil {
		s.T.Fatal(err)
	}
	s.Store = saga.NewStore(s.JS)
	options, err := redis.ParseURL(s.Vars["REDIS_URL"])
	if err != nil {
		s.T.Fatal(err)
	}
	s.Redis = redis.NewClient(options)
	s.T.Cleanup(func() { _ = s.Redis.Close() })
}

// Request is a request as any upstream service may publish it.
type Request map[string]any

// Pixel is an image.
const Pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="

// UserName is the name of every user who is not refused for it.
const UserName = "Ada Lovelace"

// FaultyPhone is a phone for which the encryption service answers with a fault.
const FaultyPhone = "+49151000FAULT"

// ValidRequest stores a code for the Id and returns a request that must succeed.
func (s *System) ValidRequest(id string) Request {
	s.T.Helper()
	s.StoreCode(id, "123456")
	return Request{
		"Id": id, "Token": s.Token(id), "Code": "123456", "Phone": "+4915112345678",
		"Password": "correct horse battery", "Username": UserName, "Image": Pixel,
	}
}

// With returns a copy of r with one field changed.
func (r Request) With(field string, value any) Request {
	c := Request{field: value}
	for name, v := range r {
		if name != field {
			c[name] = v
		}
	}
	return c
}

// JSON returns r as it is published.
func (r Request) JSON(t testing.TB) []byte {
	t.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// Token returns a valid token for an Id.
func (s *System) Token(id string) string {
	s.T.Helper()
	signed, err := token.Sign([]byte(service.DevJWTSecret), id, time.Hour)
	if err != nil {
		s.T.Fatal(err)
	}
	return signed
}

// StoreCode stores a code as its issuer would.
func (s *System) StoreCode(id, code string) {
	s.T.Helper()
	if err := s.Redis.Set(s.T.Context(), id, code, 10*time.Minute).Err(); err != nil {
		s.T.Fatal(err)
	}
}

// Code returns the code that is stored for an Id, "" if none is.
func (s *System) Code(id string) string {
	s.T.Helper()
	code, err := s.Redis.Get(s.T.Context(), id).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		s.T.Fatal(err)
	}
	return code
}

// Publish publishes r as plain JSON, without any header but the message id when
// one is given. It returns the saga's key, with any saga of the user when the
// id is left to the system.
func (s *System) Publish(r Request, msgID string) event.Key {
	s.T.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		s.T.Fatal(err)
	}
	s.PublishRaw(body, msgID)
	id, _ := r["Id"].(string)
	return event.Key{User: event.UserHash(id), Saga: cmp.Or(msgID, "*")}
}

// PublishRaw publishes any bytes as a request.
func (s *System) PublishRaw(body []byte, msgID string) {
	s.T.Helper()
	msg := nats.NewMsg(event.SubjectRequested)
	msg.Data = body
	var options []jetstream.PublishOpt
	if msgID != "" {
		options = append(options, jetstream.WithMsgID(msgID))
	}
	if _, err := s.JS.PublishMsg(s.T.Context(), msg, options...); err != nil {
		s.T.Fatalf("publish: %v", err)
	}
}

// PublishWithDeadline is publish with a deadline that is in from now.
func (s *System) PublishWithDeadline(r Request, msgID string, in time.Duration) {
	s.T.Helper()
	msg := nats.NewMsg(event.SubjectRequested)
	msg.Data = r.JSON(s.T)
	msg.Header.Set(event.HeaderMsgID, msgID)
	msg.Header[event.HeaderDeadline] = []string{time.Now().Add(in).UTC().Format(time.RFC3339Nano)}
	if _, err := s.JS.PublishMsg(s.T.Context(), msg); err != nil {
		s.T.Fatalf("publish: %v", err)
	}
}

// Outcome waits for the end of a saga.
func (s *System) Outcome(k event.Key) event.Ended {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.T.Context(), SagaTime)
	defer cancel()
	consumer, err := s.JS.OrderedConsumer(ctx, event.StreamEvents, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{k.Subject(event.TypeCompleted), k.Subject(event.TypeFailed)},
	})
	if err != nil {
		s.T.Fatal(err)
	}
	msg, err := consumer.Next(jetstream.FetchContext(ctx))
	if err != nil {
		s.T.Fatalf("saga %s has not ended: %v", k.Saga, err)
	}
	var ended event.Ended
	if err := json.Unmarshal(msg.Data(), &ended); err != nil {
		s.T.Fatal(err)
	}
	return ended
}

// History returns the types of a saga's events so far.
func (s *System) History(k event.Key) []event.Type {
	s.T.Helper()
	var types []event.Type
	for _, e := range s.Contents(event.StreamEvents, k.History()) {
		t, _, err := event.ParseSubject(e.Subject())
		if err != nil {
			s.T.Fatal(err)
		}
		types = append(types, t)
	}
	return types
}

// Contents returns every message of a stream whose subject matches filter.
func (s *System) Contents(stream, filter string) []jetstream.Msg {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.T.Context(), SagaTime)
	defer cancel()
	consumer, err := s.JS.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	if err != nil {
		s.T.Fatal(err)
	}
	left := consumer.CachedInfo().NumPending
	var all []jetstream.Msg
	for ; left > 0; left-- {
		msg, err := consumer.Next(jetstream.FetchContext(ctx))
		if err != nil {
			s.T.Fatalf("read stream %s: %v", stream, err)
		}
		all = append(all, msg)
	}
	return all
}

// DeadLetters waits for n dead letters and returns them.
func (s *System) DeadLetters(n int) []event.DeadLetter {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.T.Context(), SagaTime)
	defer cancel()
	consumer, err := s.JS.OrderedConsumer(ctx, event.StreamDeadLetters, jetstream.OrderedConsumerConfig{})
	if err != nil {
		s.T.Fatal(err)
	}
	var letters []event.DeadLetter
	for range n {
		msg, err := consumer.Next(jetstream.FetchContext(ctx))
		if err != nil {
			s.T.Fatalf("dead letter %d of %d: %v", len(letters)+1, n, err)
		}
		var l event.DeadLetter
		if err := json.Unmarshal(msg.Data(), &l); err != nil {
			s.T.Fatal(err)
		}
		letters = append(letters, l)
	}
	return letters
}

// Row is a user as it stands in the table.
type Row struct{ Phone, Password, Name, Image string }

// Row returns the row of an Id, and whether there is one.
func (s *System) Row(id string) (Row, bool) {
	s.T.Helper()
	var r Row
	err := s.Users.QueryRowContext(s.T.Context(), "SELECT Phone, Password, Name, Image FROM Users WHERE Id = ?", id).
		Scan(&r.Phone, &r.Password, &r.Name, &r.Image)
	if errors.Is(err, sql.ErrNoRows) {
		return Row{}, false
	}
	if err != nil {
		s.T.Fatal(err)
	}
	return r, true
}

// faulty answers with a SOAP fault for FaultyPhone and passes all else on.
func faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if !bytes.Contains(body, []byte(FaultyPhone)) {
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

// EncryptionService serves the stand-in; for FaultyPhone it answers with a fault.
func EncryptionService(t testing.TB) string {
	t.Helper()
	handler, err := standin.New([]byte(service.DevEncryptKey))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(faulty(handler))
	t.Cleanup(server.Close)
	return server.URL
}

// FreePort returns a port that nobody listens on now.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// WaitReady asks a readiness probe until it answers 200.
func WaitReady(t testing.TB, url string, p *Process) {
	t.Helper()
	deadline := time.After(SagaTime)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if answer, err := http.Get(url); err == nil {
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
