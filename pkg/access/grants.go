package access

import (
	"slices"
	"strings"

	"github.com/create-user/create-user/pkg/event"
)

// streamImages is the stream behind the bucket of images, and what its
// messages' subjects begin with.
const (
	streamImages = "OBJ_" + event.BucketImages
	imagesPrefix = "$O." + event.BucketImages + "."
)

const apiPrefix = "$JS.API."

// api returns a subject of the JetStream API.
func api(call string, tokens ...string) string {
	return apiPrefix + call + "." + strings.Join(tokens, ".")
}

func (p *Peer) grant(home string, subjects ...string) {
	for _, s := range subjects {
		g := Grant{Home: home, Subject: s, Many: strings.HasPrefix(s, "$JS.API.CONSUMER.MSG.NEXT.")}
		if !slices.Contains(p.Grants, g) {
			p.Grants = append(p.Grants, g)
		}
	}
}

// take lets p take from a durable consumer, and settle what it took. The server
// chooses one of two forms of a settlement's subject.
func (p *Peer) take(stream, durable string) {
	p.grant(stream,
		api("CONSUMER.INFO", stream, durable),
		api("CONSUMER.MSG.NEXT", stream, durable),
		"$JS.ACK."+stream+"."+durable+".>",
		"$JS.ACK.*.*."+stream+"."+durable+".>",
	)
}

// append lets p append an event of type t, and look how its saga stands when the
// append is lost.
func (p *Peer) append(t event.Type) {
	p.grant(event.StreamEvents,
		event.SagaEvents(t),
		api("DIRECT.GET", event.StreamEvents, event.SagaEvents("*")),
	)
}

// readAll lets p read any message of a stream from its leader. Which one stands
// in the request, not in its subject.
func (p *Peer) readAll(stream string) { p.grant(stream, api("STREAM.MSG.GET", stream)) }

// follow lets p follow the events that match filter, with consumers of its own.
func (p *Peer) follow(filter string) {
	p.grant(event.StreamEvents, api("CONSUMER.CREATE", event.StreamEvents, "*", filter))
	p.own(event.StreamEvents)
}

// followAny lets p follow a stream with any filter, or several.
func (p *Peer) followAny(stream string) {
	p.grant(stream, api("CONSUMER.CREATE", stream, "*"), api("CONSUMER.CREATE", stream, "*", ">"))
	p.own(stream)
}

// own lets p use the consumers that it makes, and denies it those of the steps.
func (p *Peer) own(stream string) {
	p.grant(stream,
		api("CONSUMER.INFO", stream, "*"),
		api("CONSUMER.MSG.NEXT", stream, "*"),
		api("CONSUMER.DELETE", stream, "*"),
	)
	for _, step := range event.Path() {
		if streamOf(step) != stream {
			continue
		}
		p.deny(api("CONSUMER.DELETE", stream, step.Name))
		if p.Name != step.Service {
			p.deny(api("CONSUMER.MSG.NEXT", stream, step.Name))
		}
		if p.Name != Operator { // who declares them
			p.deny(api("CONSUMER.CREATE", stream, step.Name), api("CONSUMER.CREATE", stream, step.Name, ">"))
		}
	}
}

// streamOf returns the stream that a step takes from.
func streamOf(s event.Step) string {
	if s.Consumes[0] == event.TypeRequested {
		return event.StreamRequests
	}
	return event.StreamEvents
}

func (p *Peer) deny(subjects ...string) {
	for _, s := range subjects {
		if local := (Grant{Subject: s}).Local(); !slices.Contains(p.Denied, local) {
			p.Denied = append(p.Denied, local)
		}
	}
}

// administer lets p make and change a stream and its consumers.
func (p *Peer) administer(stream string) {
	p.grant(stream,
		api("STREAM.INFO", stream),
		api("STREAM.CREATE", stream),
		api("STREAM.UPDATE", stream),
		api("CONSUMER.LIST", stream),
		api("CONSUMER.NAMES", stream),
		api("DIRECT.GET", stream),
		api("DIRECT.GET", stream, ">"),
	)
}

// putImages lets p put images into the bucket. Replacing one purges what it
// replaces, so whoever may put may purge.
func (p *Peer) putImages() {
	p.manageImages()
	p.grant(streamImages, imagesPrefix+"C.*")
}

// manageImages lets p find images, and mark and purge them.
func (p *Peer) manageImages() {
	p.grant(streamImages,
		api("STREAM.INFO", streamImages),
		api("DIRECT.GET", streamImages, imagesPrefix+"M.*"),
		api("STREAM.PURGE", streamImages),
		imagesPrefix+"M.*",
	)
}

// fetchImages lets p fetch and delete images. The bucket's consumers push.
func (p *Peer) fetchImages() {
	p.manageImages()
	p.grant(streamImages,
		api("CONSUMER.CREATE", streamImages, "*", imagesPrefix+"C.*"),
		api("CONSUMER.DELETE", streamImages, "*"),
		"$JS.FC."+streamImages+".>",
	)
	p.Delivered = append(p.Delivered, streamImages)
}
