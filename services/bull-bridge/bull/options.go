package bull

import (
	"encoding/json"
	"math"
	"time"
)

// options are what the producer asked for. What it left out, or wrote in a way
// that Bull does not know, has Bull's default.
type options struct {
	attempts  int // 1 or more
	backoff   backoff
	lifo      bool
	completed keep // removeOnComplete
	failed    keep // removeOnFail
}

// keep says which finished jobs stay.
type keep struct {
	count int           // jobs; -1: all
	age   time.Duration // -1: of any age
}

func keepAll() keep { return keep{count: -1, age: -1} }

// backoff is the pause between two attempts.
type backoff struct {
	kind  string // "fixed", "exponential", or one that only the producer's own workers know
	delay time.Duration
}

func parseOptions(text string) options {
	var raw struct {
		Attempts         json.RawMessage
		Backoff          json.RawMessage
		LIFO             json.RawMessage
		RemoveOnComplete json.RawMessage
		RemoveOnFail     json.RawMessage
	}
	_ = json.Unmarshal([]byte(text), &raw) // then all defaults
	o := options{attempts: 1, backoff: parseBackoff(raw.Backoff)}
	if n, ok := number(raw.Attempts); ok && n > 1 {
		o.attempts = count(n)
	}
	_ = json.Unmarshal(raw.LIFO, &o.lifo) // false
	o.completed, o.failed = parseKeep(raw.RemoveOnComplete), parseKeep(raw.RemoveOnFail)
	return o
}

// parseKeep reads true, a number of jobs, or {age (s), count}.
func parseKeep(raw json.RawMessage) keep {
	k := keepAll()
	var remove bool
	if json.Unmarshal(raw, &remove) == nil {
		if remove {
			k.count = 0
		}
		return k
	}
	if n, ok := number(raw); ok {
		return keep{count: count(n), age: -1}
	}
	var both struct{ Age, Count json.RawMessage }
	if json.Unmarshal(raw, &both) != nil {
		return k
	}
	if n, ok := number(both.Count); ok {
		k.count = count(n)
	}
	if s, ok := number(both.Age); ok && s >= 0 {
		k.age = milliseconds(s * 1000)
	}
	return k
}

// count returns a number of jobs; a negative one means all.
func count(n float64) int { return int(math.Max(-1, math.Min(n, math.MaxInt32))) }

// parseBackoff reads a number of milliseconds, or {type, delay}.
func parseBackoff(raw json.RawMessage) backoff {
	if ms, ok := number(raw); ok {
		return backoff{kind: "fixed", delay: milliseconds(ms)}
	}
	var both struct {
		Type  string
		Delay json.RawMessage
	}
	_ = json.Unmarshal(raw, &both) // then none
	ms, _ := number(both.Delay)
	return backoff{kind: both.Type, delay: milliseconds(ms)}
}

// wait returns the pause after the nth failed attempt.
func (b backoff) wait(n int) time.Duration {
	if b.kind != "exponential" {
		return b.delay
	}
	return milliseconds(math.Round((math.Exp2(float64(n)) - 1) * float64(b.delay.Milliseconds())))
}

// longest is the longest pause: the score of a delayed job holds no later time.
const longest = 5 * 365 * 24 * time.Hour

// milliseconds returns ms as a duration of 0 to [longest].
func milliseconds(ms float64) time.Duration {
	if !(ms > 0) { // not a number either
		return 0
	}
	return time.Duration(math.Min(ms, float64(longest.Milliseconds()))) * time.Millisecond
}

func number(raw json.RawMessage) (float64, bool) {
	var n *float64
	if json.Unmarshal(raw, &n) != nil || n == nil {
		return 0, false
	}
	return *n, true
}
