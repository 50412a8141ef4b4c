package access

import (
	"slices"
	"strings"

	"github.com/create-user/create-user/pkg/event"
)

// Peer is one who connects to NATS, and what it may do there.
type Peer struct {
	// Name is that of the service, or publisher or operator. Its account has the
	// same in capitals, and its nkey is the variable <ACCOUNT>_NKEY.
	Name string
	// Inbox is what the subjects of its answers begin with.
	Inbox  string
	Grants []Grant
	// Denied are subjects that a grant's wildcard covers and that it may not use.
	Denied []string
	// Delivered are homes whose consumers may push to its inbox.
	Delivered []string
	// Presence is the subject on which a service says that it lives, to the console
	// alone. Empty: it says nothing.
	Presence string
}

// Grant is a subject that may be published to.
type Grant struct {
	Home    string // the account that it leads to
	Subject string // may hold wildcards
	Many    bool   // one request has many answers
}

// APIPrefix stands in place of $JS.API for every peer: the
// server answers the default one itself, that JetStream is not enabled for the
// peer's account.
const APIPrefix = "CREATE_USER.API"

// Local returns the subject that the peer publishes to.
func (g Grant) Local() string {
	if call, ok := strings.CutPrefix(g.Subject, apiPrefix); ok {
		return APIPrefix + "." + call
	}
	return g.Subject
}

// Names of those who are not services of the path.
const (
	Publisher = "publisher"   // upstream services that use the SDK
	Operator  = "createuser"  // the tool
	Console   = "console"     // the operators' page
	Bridge    = "bull-bridge" // hands the jobs of a Bull queue over as requests
)

// Account returns the name of the peer's account.
func (p Peer) Account() string { return strings.ToUpper(strings.ReplaceAll(p.Name, "-", "_")) }

// KeyVariable returns the name of the variable that holds the peer's public
// nkey in the server's configuration.
func (p Peer) KeyVariable() string { return p.Account() + "_NKEY" }

// Peers returns everyone who may connect: the services in the order of the path,
// then the others.
func Peers() []Peer {
	var all []Peer
	for _, step := range event.Path() {
		at := slices.IndexFunc(all, func(p Peer) bool { return p.Name == step.Service })
		if at < 0 {
			at = len(all)
			all = append(all, newService(step.Service))
		}
		all[at].step(step)
	}
	for i := range all {
		all[i].extras()
	}
	return append(all, watchdog(), console(), publisher(newService(Bridge)), publisher(newPeer(Publisher)), operator())
}

// newPeer returns a peer that may do nothing yet.
func newPeer(name string) Peer { return Peer{Name: name, Inbox: "_INBOX." + name} }

// newService returns a service that may only say that it lives.
func newService(name string) Peer {
	p := newPeer(name)
	p.Presence = event.PresenceSubject(name)
	return p
}

// step adds what a step needs: to take its events, to append what follows them,
// and to keep what it cannot handle.
func (p *Peer) step(s event.Step) {
	p.take(streamOf(s), s.Name)
	if s.Appends != "" {
		p.append(s.Appends)
	}
	if s.Consumes[0].BeforePivot() {
		p.append(event.TypeFailed)
	}
	p.grant(event.StreamDeadLetters, "dlq.user.create."+s.Name+".*.*")
}

// extras adds what a service needs beyond its steps.
func (p *Peer) extras() {
	switch p.Name {
	case event.StepTokenVerifier:
		p.putImages()
		p.readAll(event.StreamRequests) // since when the oldest request waits
	case event.StepCodeChecker:
		p.readAll(event.StreamEvents) // whether the saga that holds a code has failed
	case event.StepUserWriter:
		p.fetchImages()
	case event.StepNotifier:
		p.followAny(event.StreamEvents)
		p.grant(event.StreamEvents, api("STREAM.INFO", event.StreamEvents))
		p.readAll(event.StreamEvents) // what a client that joins has missed
	}
}

func watchdog() Peer {
	p := newService(event.StepWatchdog)
	p.follow(event.SagaEvents("*"))
	p.append(event.TypeFailed)
	return p
}

// console may see what waits and what becomes of it, replay and discard dead
// letters.
func console() Peer {
	p := newService(Console)
	p.grant(event.StreamRequests, api("STREAM.INFO", event.StreamRequests), api("CONSUMER.INFO", event.StreamRequests, "*"))
	p.followAny(event.StreamEvents)
	p.grant(event.StreamEvents, api("STREAM.INFO", event.StreamEvents))
	p.readAll(event.StreamEvents)
	p.handleLetters()
	return p
}

// handleLetters lets p read, replay and discard dead letters, which leaves an
// audit event.
func (p *Peer) handleLetters() {
	for _, stream := range []string{event.StreamDeadLetters, event.StreamAudit} {
		p.grant(stream, api("STREAM.INFO", stream), api("DIRECT.GET", stream), api("DIRECT.GET", stream, ">"))
		p.readAll(stream)
	}
	p.grant(event.StreamDeadLetters, api("STREAM.MSG.DELETE", event.StreamDeadLetters))
	for _, action := range []event.AuditAction{event.AuditReplay, event.AuditDiscard} {
		p.grant(event.StreamAudit, event.AuditSubject(action))
	}
	p.grant(event.StreamRequests, event.SubjectRequested)
	p.grant(event.StreamEvents, event.SagaEvents("*"))
}

// publisher lets p publish requests, and hear what became of them.
func publisher(p Peer) Peer {
	p.grant(event.StreamRequests, event.SubjectRequested)
	p.putImages()
	for _, end := range []event.Type{event.TypeCompleted, event.TypeFailed} {
		p.follow(event.SagaEvents(end))
		p.grant(event.StreamEvents, api("DIRECT.GET", event.StreamEvents, event.SagaEvents(end)))
	}
	return p
}

// operator may make and change streams and consumers, read everything, replay
// and discard dead letters. It can delete or purge no stream.
func operator() Peer {
	p := newPeer(Operator)
	for _, stream := range Homes() {
		p.administer(stream)
		p.followAny(stream)
		p.readAll(stream)
	}
	p.handleLetters()
	p.putImages()
	return p
}

// Homes returns the accounts that hold a stream. Each has the stream's name.
func Homes() []string {
	return []string{event.StreamRequests, event.StreamEvents, event.StreamDeadLetters, streamImages, event.StreamAudit}
}
