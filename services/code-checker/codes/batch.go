package codes

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// batch sends one script for many holders in one round trip. A pipelined EVALSHA has no fallback of its own for a script
// that Redis does not know, as after its restart; batch has.
type batch struct {
	redis  redis.UniversalClient
	script *redis.Script
	errs   []error // one for each entry of the caller's list
	calls  []*call
}

// call is one entry's.
type call struct {
	index int // in the caller's list
	keys  []string
	args  []any
	reply *redis.Cmd
}

func newBatch(client redis.UniversalClient, script *redis.Script, errs []error) *batch {
	return &batch{redis: client, script: script, errs: errs, calls: make([]*call, 0, len(errs))}
}

// add adds the entry at index; every script takes the saga as its first argument.
func (b *batch) add(index int, h Holder, args ...any) {
	if !validSaga(h.Saga) {
		b.errs[index] = fmt.Errorf("%w: a saga's id has 1 to %d printable ASCII characters and no space", errMisuse, maxSaga)
		return
	}
	b.calls = append(b.calls, &call{index: index, keys: keys(h.ID), args: append([]any{h.Saga}, args...)})
}

// run sends all calls, and gives each reply to parse. Errors go to the entry that they concern.
func (b *batch) run(ctx context.Context, parse func(index int, reply any) error) {
	b.send(ctx, b.calls)
	if unknown := b.unknown(); len(unknown) > 0 {
		b.load(ctx, unknown)
	}
	for _, c := range b.calls {
		value, err := c.reply.Result()
		if err == nil {
			err = parse(c.index, value)
		}
		if err != nil {
			b.errs[c.index] = fmt.Errorf("running a script: %w", err)
		}
	}
}

// send runs the script for calls in one round trip. The pipeline's error is that of one of its commands, and stands there.
func (b *batch) send(ctx context.Context, calls []*call) {
	if len(calls) == 0 {
		return
	}
	pipe := b.redis.Pipeline()
	for _, c := range calls {
		c.reply = b.script.EvalSha(ctx, pipe, c.keys, c.args...)
	}
	_, _ = pipe.Exec(ctx)
}

// unknown returns the calls whose script Redis does not know.
func (b *batch) unknown() []*call {
	var list []*call
	for _, c := range b.calls {
		if redis.HasErrorPrefix(c.reply.Err(), "NOSCRIPT") {
			list = append(list, c)
		}
	}
	return list
}

// load teaches Redis the script and sends calls once more.
func (b *batch) load(ctx context.Context, calls []*call) {
	if err := b.script.Load(ctx, b.redis).Err(); err != nil {
		for _, c := range calls {
			c.reply.SetErr(fmt.Errorf("loading it: %w", err))
		}
		return
	}
	b.send(ctx, calls)
}

// validSaga also keeps the scripts' values in one piece: they separate by spaces.
func validSaga(saga string) bool {
	if saga == "" || len(saga) > maxSaga {
		return false
	}
	for i := range len(saga) {
		if saga[i] <= ' ' || saga[i] > '~' {
			return false
		}
	}
	return true
}
