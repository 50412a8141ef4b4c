package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/create-user/create-user/pkg/access"
	"github.com/create-user/create-user/pkg/event"
)

// Everyone who connects.
const (
	verifier  = "token-verifier"
	checker   = "code-checker"
	encryptor = "encryptor"
	writer    = "user-writer"
	notifier  = "notifier"
	watchdog  = "watchdog"
	publisher = "publisher"
	operator  = "createuser"
	console   = "console"
	bridge    = "bull-bridge" // a publisher, for a Bull queue
)

// act is something that one may do to NATS, or not.
type act struct {
	name    string
	subject string // without the API's prefix where call is set
	call    bool   // of the JetStream API
	may     []string
}

func (a act) local() string {
	if a.call {
		return access.APIPrefix + "." + a.subject
	}
	return a.subject
}

// acts is the matrix, written by hand from what each service is for, not from
// the package that grants it.
func acts() []act {
	const requests, events, letters, images, audit = event.StreamRequests, event.StreamEvents, event.StreamDeadLetters, "OBJ_" + event.BucketImages, event.StreamAudit
	list := []act{
		{name: "publish a request", subject: "user.create.requested", may: []string{publisher, operator, console}},
		{name: "append token-verified", subject: "user.create.token-verified.u.s", may: []string{verifier, operator, console}},
		{name: "append code-checked", subject: "user.create.code-checked.u.s", may: []string{checker, operator, console}},
		{name: "append encrypted", subject: "user.create.encrypted.u.s", may: []string{encryptor, operator, console}},
		{name: "append created", subject: "user.create.created.u.s", may: []string{writer, operator, console}},
		{name: "append completed", subject: "user.create.completed.u.s", may: []string{checker, operator, console}},
		{name: "append failed", subject: "user.create.failed.u.s", may: []string{verifier, checker, encryptor, writer, watchdog, operator, console}},
		{name: "write an audit event", subject: "audit.user.create.discard", may: []string{operator, console}},
		{name: "put an image", subject: "$O.USER_CREATE_IMAGES.C.x", may: []string{verifier, publisher, operator}},
		{name: "name an image", subject: "$O.USER_CREATE_IMAGES.M.x", may: []string{verifier, writer, publisher, operator}},
	}
	for durable, owner := range map[string]string{
		"code-checker": checker, "encryptor": encryptor, "user-writer": writer, "code-deleter": checker,
		"claim-releaser": checker, "row-remover": writer, "notifier": notifier, "token-verifier": verifier,
	} {
		stream := events
		if durable == "token-verifier" {
			stream = requests
		}
		list = append(list,
			act{"take for " + durable, "CONSUMER.MSG.NEXT." + stream + "." + durable, true, []string{owner}},
			act{"settle for " + durable, "$JS.ACK." + stream + "." + durable + ".1.1.1.1.1", false, []string{owner}},
			act{"settle for " + durable + ", the other form", "$JS.ACK._.x." + stream + "." + durable + ".1.1.1.1.1", false, []string{owner}},
			act{"delete the consumer of " + durable, "CONSUMER.DELETE." + stream + "." + durable, true, nil},
			act{"change the consumer of " + durable, "CONSUMER.CREATE." + stream + "." + durable, true, []string{operator}},
			act{"change the consumer of " + durable + ", with a filter", "CONSUMER.CREATE." + stream + "." + durable + ".user.create.failed.*.*", true, []string{operator}},
			act{"change the consumer of " + durable + ", the old way", "CONSUMER.DURABLE.CREATE." + stream + "." + durable, true, nil},
			act{"keep a dead letter of " + durable, "dlq.user.create." + durable + ".u.s", false, []string{owner}},
		)
	}
	for _, stream := range []string{requests, events, letters, images, audit} {
		only := func(names ...string) []string { return names }
		readers, replicas, purgers, deleters := only(operator), only(operator), only(), only()
		switch stream {
		case requests:
			readers = only(operator, verifier)
		case events:
			readers = only(operator, checker, notifier, console)
		case images:
			purgers = only(operator, verifier, writer, publisher)
		case letters:
			readers, replicas, deleters = only(operator, console), only(operator, console), only(operator, console)
		case audit:
			readers, replicas = only(operator, console), only(operator, console)
		}
		list = append(list,
			act{"delete " + stream, "STREAM.DELETE." + stream, true, nil},
			act{"purge " + stream, "STREAM.PURGE." + stream, true, purgers},
			act{"make " + stream, "STREAM.CREATE." + stream, true, only(operator)},
			act{"change " + stream, "STREAM.UPDATE." + stream, true, only(operator)},
			act{"read any message of " + stream, "STREAM.MSG.GET." + stream, true, readers},
			act{"read any message of " + stream + " from a replica", "DIRECT.GET." + stream, true, replicas},
			act{"delete a message of " + stream, "STREAM.MSG.DELETE." + stream, true, deleters},
			act{"take a snapshot of " + stream, "STREAM.SNAPSHOT." + stream, true, nil},
			act{"restore " + stream, "STREAM.RESTORE." + stream, true, nil},
			act{"list the consumers of " + stream, "CONSUMER.NAMES." + stream, true, only(operator)},
			act{"pause a consumer of " + stream, "CONSUMER.PAUSE." + stream + ".encryptor", true, nil},
		)
	}
	list = append(list,
		act{"follow all events", "CONSUMER.CREATE." + events + ".x.user.create.*.*.*", true, []string{watchdog, notifier, operator, console}},
		act{"follow any events", "CONSUMER.CREATE." + events + ".x", true, []string{notifier, operator, console}},
		act{"follow token-verified", "CONSUMER.CREATE." + events + ".x.user.create.token-verified.*.*", true, []string{notifier, operator, console, watchdog}},
		act{"follow outcomes", "CONSUMER.CREATE." + events + ".x.user.create.completed.*.s", true, []string{notifier, operator, console, watchdog, publisher}},
		act{"follow requests", "CONSUMER.CREATE." + requests + ".x", true, []string{operator}},
		act{"follow dead letters", "CONSUMER.CREATE." + letters + ".x", true, []string{operator}},
		act{"fetch images", "CONSUMER.CREATE." + images + ".x.$O.USER_CREATE_IMAGES.C.x", true, []string{writer, operator}},
		act{"follow all images", "CONSUMER.CREATE." + images + ".x", true, []string{operator}},
		act{"look at the last event of a saga", "DIRECT.GET." + events + ".user.create.token-verified.u.s", true, []string{verifier, checker, encryptor, writer, watchdog, operator}},
		act{"look at the outcome of a saga", "DIRECT.GET." + events + ".user.create.failed.u.s", true, []string{verifier, checker, encryptor, writer, watchdog, publisher, operator}},
		act{"list all streams", "STREAM.NAMES", true, nil},
		act{"look at the account", "INFO", true, nil},
		act{"speak for the encryptor", "presence.user.create.encryptor", false, []string{encryptor}},
		act{"speak for the console", "presence.user.create.console", false, []string{console}},
		act{"use the usual API", "$JS.API.STREAM.PURGE." + events, false, nil},
		act{"use the servers' own account", "$SYS.REQ.SERVER.PING", false, nil},
	)
	for i := range list {
		if slices.Contains(list[i].may, publisher) {
			list[i].may = append(slices.Clone(list[i].may), bridge)
		}
	}
	return list
}

// everyone lists the rows of the matrix.
func everyone() []string {
	return []string{verifier, checker, encryptor, writer, notifier, watchdog, console, bridge, publisher, operator}
}

// refused reports whether the server refuses a publication.
func refused(t testing.TB, conn *nats.Conn, subject, reply string, body []byte) bool {
	t.Helper()
	if err := conn.PublishRequest(subject, reply, body); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil { // the refusal comes before its answer
		t.Fatal(err)
	}
	err := conn.LastError()
	return errors.Is(err, nats.ErrPermissionViolation) && strings.Contains(err.Error(), fmt.Sprintf("%q", subject))
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	s := seed(t, d)
	before := s.state(t)
	for _, name := range everyone() {
		conn, _ := d.connect(t, name)
		inbox := conn.NewInbox()
		for _, a := range acts() {
			if slices.Contains(a.may, name) {
				continue
			}
			t.Run(name+" may not "+a.name, func(t *testing.T) {
				if !refused(t, conn, a.local(), inbox, nil) {
					t.Errorf("%s was not refused", a.local())
				}
			})
		}
		for _, subject := range []string{">", "user.create.>", "_INBOX.>", "_INBOX.encryptor.x.>", "$JS.>", "_R_.>", "dlq.>", "presence.user.create.*"} {
			if strings.HasPrefix(subject, "_INBOX."+name) || name == console && strings.HasPrefix(subject, "presence.") {
				continue
			}
			t.Run(name+" may not listen to "+subject, func(t *testing.T) { mayNotListen(t, conn, subject) })
		}
	}
	s.expect(t, before)

	for _, name := range everyone() {
		conn, _ := d.connect(t, name)
		for _, a := range acts() {
			if slices.Contains(a.may, name) && !destroys(a) {
				t.Run(name+" may "+a.name, func(t *testing.T) {
					if refused(t, conn, a.local(), conn.NewInbox(), nil) {
						t.Errorf("%s was refused", a.local())
					}
				})
			}
		}
	}
}

// destroys reports whether an act would take away what a later one needs.
func destroys(a act) bool { return strings.Contains(a.subject, ".DELETE.") }

func mayNotListen(t *testing.T, conn *nats.Conn, subject string) {
	t.Helper()
	sub, err := conn.SubscribeSync(subject)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	err = conn.LastError()
	if !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), fmt.Sprintf("Subscription to %q", subject)) {
		t.Errorf("it was not refused: %v", err)
	}
}
