package model

import (
	"fmt"
	"strings"

	"github.com/create-user/create-user/pkg/event"
)

// Story tells a run, for who has to find out what happened in it.
func (w *World) Story() string {
	var b strings.Builder
	for _, p := range w.people {
		fmt.Fprintf(&b, "%s cursed %q %s\n", p.id, p.cursed, p.curse)
		for _, s := range p.submissions {
			fmt.Fprintf(&b, "  submitted %q %d times, acknowledged %t\n", s.msgID, s.attempts, s.stored)
		}
		for _, k := range w.sagasOf(p) {
			fmt.Fprintf(&b, "  saga %s:", k.Saga)
			for _, e := range w.history.of(k) {
				fmt.Fprintf(&b, " %d %s", e.Sequence, e.Type)
				if ended, ok := e.Body.(event.Ended); ok {
					fmt.Fprintf(&b, " (%s by %s, of %q)", ended.Code, ended.Step, ended.Of)
				}
			}
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "  heard %v\n", p.heard)
	}
	for _, l := range w.letters {
		fmt.Fprintf(&b, "dead letter of %s at %s: %s, replayed %t\n", l.Saga, l.step, l.why, l.replayed)
	}
	return b.String()
}
