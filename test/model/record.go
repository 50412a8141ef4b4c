package model

import (
	"fmt"

	"github.com/create-user/create-user/pkg/event"
)

// Delivery is what a runner did with one delivery, without what tells one saga from
// another: what it asked for, and what it was answered.
type Delivery struct {
	Step   string
	Type   event.Type
	Number int  // which delivery of the message it was
	Late   bool // the deadline had passed
	Broken cause
	Trace  []string
}

// String is the same for deliveries that a runner cannot tell apart.
func (d Delivery) String() string {
	return fmt.Sprintf("%s %s %d %t %s %q", d.Step, d.Type, d.Number, d.Late, d.Broken, d.Trace)
}

// record hands a delivery on that was settled.
func (w *World) record(h *hand) {
	if w.Record == nil || h.lates[0] && h.lates[1] {
		return
	}
	d := Delivery{Step: h.step.Name, Type: h.Type, Number: h.delivery, Late: h.lates[1], Trace: h.trace}
	switch {
	case h.unread:
		d.Broken = poison
	case h.invalid:
		d.Broken = rejected
	}
	w.Record(d)
}
