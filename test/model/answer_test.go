package model_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/create-user/create-user/pkg/event"
)

// answer answers what a runner asks for as it was recorded. It reports whether the
// runner has said what becomes of the delivery.
func (p *play) answer(msg *nats.Msg) (settled bool) {
	switch {
	case strings.HasPrefix(msg.Subject, "$JS.ACK."):
		word, _, _ := strings.Cut(string(msg.Data), " ")
		p.next(map[string]string{"+ACK": "ack", "-NAK": "nak", "+TERM": "term"}[word])
		if p.at < len(p.d.Trace) {
			p.t.Errorf("the runner is done\nat %d of %s", p.at, p.d)
		}
		return true
	case strings.HasPrefix(msg.Subject, "$JS.API.DIRECT.GET."):
		p.last(msg)
	case strings.HasPrefix(msg.Subject, "dlq."):
		p.acknowledge(msg, map[string]string{"done": "stored"}[p.next("keep")])
	default:
		p.append(msg)
	}
	return false
}

func (p *play) append(msg *nats.Msg) {
	t, k, err := event.ParseSubject(msg.Subject)
	if err != nil || k != p.key {
		p.t.Errorf("an append to %s: %v", msg.Subject, err)
	}
	if got, want := msg.Header.Get("Nats-Expected-Last-Subject-Sequence"), strconv.FormatUint(p.after, 10); got != want {
		p.t.Errorf("the append of %s expects %s, want %s", t, got, want)
	}
	if got := msg.Header.Get("Nats-Expected-Last-Subject-Sequence-Subject"); got != k.History() {
		p.t.Errorf("the append of %s expects something of %s", t, got)
	}
	what := string(t)
	if t.Terminal() {
		var ended event.Ended
		if err := json.Unmarshal(msg.Data, &ended); err != nil {
			p.t.Errorf("the append of %s: %v", t, err)
		}
		what += "/" + string(ended.Code)
	}
	p.acknowledge(msg, p.next("append "+what))
}

// acknowledge answers a publisher: stored, moved, or an error that leaves it open.
func (p *play) acknowledge(msg *nats.Msg, answer string) {
	switch answer {
	case "stored":
		p.reply(msg, nil, `{"stream":"S","seq":1}`)
	case "moved":
		p.reply(msg, nil, `{"stream":"S","error":{"code":400,"err_code":10071,"description":"wrong last sequence"}}`)
	default:
		p.reply(msg, nil, `{"stream":"S","error":{"code":503,"err_code":10077,"description":"no"}}`)
	}
}

// last answers the question for a saga's last event.
func (p *play) last(msg *nats.Msg) {
	header := nats.Header{}
	switch said := p.next("last"); said {
	case "gone":
		header.Set("Status", "404")
	case "unclear":
		header.Set("Status", "500")
	case "same":
		header.Set("Nats-Subject", p.key.Subject(p.d.Type))
		header.Set("Nats-Sequence", strconv.FormatUint(p.after, 10))
	default:
		header.Set("Nats-Subject", p.key.Subject(event.Type(said)))
		header.Set("Nats-Sequence", strconv.FormatUint(p.after+1, 10))
	}
	header.Set("Nats-Time-Stamp", time.Now().UTC().Format(time.RFC3339Nano))
	p.reply(msg, header, "{}")
}
