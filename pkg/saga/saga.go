package saga

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"

	"github.com/create-user/create-user/pkg/event"
)

// Event is an event that a step has taken.
type Event[B event.Body] struct {
	event.Key
	Meta     event.Meta
	Body     B
	Delivery int // 1 for the first

	span trace.Span // of its processing; nil when nothing is traced
}

// Result is what a handler made of one event: the next event, or an error that
// says what else is to be done (see the package's table).
type Result[B event.Body] struct {
	Next B
	Err  error
}

// Handler handles a batch of events and returns one result for each, in order.
// Its effects must be idempotent by saga: any event may come again. The context
// ends after [Config.HandleTimeout].
type Handler[In, Out event.Body] func(ctx context.Context, batch []Event[In]) []Result[Out]

// Step is one step of the saga.
type Step[In, Out event.Body] struct {
	// Name is the step's name in the path, and that of its durable consumer.
	Name string
	// Handle does the work.
	Handle Handler[In, Out]
	// Undo takes back the effect of Handle when the saga turned out to have
	// failed in the meantime. It must be idempotent, and right for an event whose
	// effect never happened. An error, or a panic, has it tried again later. Nil:
	// there is nothing to take back.
	Undo func(ctx context.Context, e Event[In]) error
	// After tidies up once the next event is stored. A crash may come before it, so
	// nothing may depend on it. Nil: there is nothing to tidy up.
	After func(ctx context.Context, e Event[In])
	// Decode reads a body. A [*event.FieldError] rejects a request as invalid;
	// any other error, or one of an event of the store, makes it poison. No error
	// may echo what it read. Nil: plain JSON.
	Decode func(data []byte) (In, error)
	// Batch is how many events are handled together. Zero: Config.Batch.
	Batch int
}

// Nothing is the Out of a step that appends no event.
type Nothing struct{}

// EventType implements [event.Body]: none.
func (Nothing) EventType() event.Type { return "" }

// UserID implements [event.Body]: none.
func (Nothing) UserID() string { return "" }

// Each lifts a handler of one event to a handler of batches that runs at most
// workers of them at once, and one at least. A panic concerns the event alone.
func Each[In, Out event.Body](workers int, handle func(context.Context, Event[In]) (Out, error)) Handler[In, Out] {
	one := func(ctx context.Context, e Event[In]) (r Result[Out]) {
		defer func() {
			if p := recover(); p != nil {
				r.Err = recovered(p)
			}
		}()
		r.Next, r.Err = handle(e.inSpan(ctx), e)
		return r
	}
	return func(ctx context.Context, batch []Event[In]) []Result[Out] {
		results := make([]Result[Out], len(batch))
		var next atomic.Int64 // the index after the last one handed out
		take := func() int { return int(next.Add(1)) - 1 }
		var working sync.WaitGroup
		for range min(max(1, workers), len(batch)) {
			working.Go(func() {
				for i := take(); i < len(batch); i = take() {
					results[i] = one(ctx, batch[i])
				}
			})
		}
		working.Wait()
		return results
	}
}

// maxStack bounds, in bytes, how much of a stack an error keeps.
const maxStack = 2 << 10

// recovered turns a panic's value into an error. Only what the Go runtime says
// is kept of the value: any other may hold a secret.
func recovered(p any) error {
	stack := debug.Stack()
	what := fmt.Sprintf("%T", p)
	if e, ok := p.(runtime.Error); ok {
		what = e.Error()
	}
	return panicked{fmt.Errorf("handler panicked: %s\n%s", what, stack[:min(len(stack), maxStack)])}
}
