package bull

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseOptions(t *testing.T) {
	with := func(change func(*options)) options {
		o := options{attempts: 1, completed: keepAll(), failed: keepAll()}
		change(&o)
		return o
	}
	for text, want := range map[string]options{
		`{"attempts":1,"delay":0,"timestamp":1795691790512}`: with(func(*options) {}),
		`{"attempts":3}`:            with(func(o *options) { o.attempts = 3 }),
		`{"attempts":0}`:            with(func(*options) {}),
		`{"attempts":1e300}`:        with(func(o *options) { o.attempts = 1<<31 - 1 }),
		`{"lifo":true}`:             with(func(o *options) { o.lifo = true }),
		`{"removeOnComplete":true}`: with(func(o *options) { o.completed.count = 0 }),
		`{"removeOnComplete":false,"removeOnFail":null}`:                  with(func(*options) {}),
		`{"removeOnFail":7}`:                                              with(func(o *options) { o.failed.count = 7 }),
		`{"removeOnFail":-1}`:                                             with(func(*options) {}),
		`{"removeOnFail":{"count":0}}`:                                    with(func(o *options) { o.failed.count = 0 }),
		`{"removeOnFail":{"age":1.5}}`:                                    with(func(o *options) { o.failed.age = 1500 * time.Millisecond }),
		`{"removeOnFail":{"age":0}}`:                                      with(func(o *options) { o.failed.age = 0 }),
		`{"removeOnFail":{"age":-1}}`:                                     with(func(*options) {}),
		`{"removeOnFail":{"age":"soon"}}`:                                 with(func(*options) {}),
		`{"removeOnComplete":{"age":10,"count":2}}`:                       with(func(o *options) { o.completed = keep{count: 2, age: 10 * time.Second} }),
		`{"removeOnComplete":"all"}`:                                      with(func(*options) {}),
		`{"backoff":250}`:                                                 with(func(o *options) { o.backoff = backoff{"fixed", 250 * time.Millisecond} }),
		`{"backoff":{"type":"exponential","delay":5}}`:                    with(func(o *options) { o.backoff = backoff{"exponential", 5 * time.Millisecond} }),
		`{"backoff":{"type":7,"delay":-5}}`:                               with(func(*options) {}),
		`{"attempts":"many","lifo":"yes","removeOnFail":[],"backoff":[]}`: with(func(*options) {}),
		``:     with(func(*options) {}),
		`null`: with(func(*options) {}),
		`[1]`:  with(func(*options) {}),
		`{`:    with(func(*options) {}),
	} {
		t.Run(text, func(t *testing.T) {
			if diff := cmp.Diff(want, parseOptions(text), cmp.AllowUnexported(options{}, keep{}, backoff{})); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBackoff_Wait(t *testing.T) {
	for name, c := range map[string]struct {
		backoff backoff
		n       int
		want    time.Duration
	}{
		"none":                           {backoff{}, 1, 0},
		"fixed":                          {backoff{"fixed", time.Second}, 5, time.Second},
		"exponential, first":             {backoff{"exponential", time.Second}, 1, time.Second},
		"exponential, third":             {backoff{"exponential", time.Second}, 3, 7 * time.Second},
		"exponential, beyond all":        {backoff{"exponential", time.Second}, 1 << 20, longest},
		"one that we do not know":        {backoff{"jitter", time.Second}, 3, time.Second},
		"exponential, of nothing at all": {backoff{"exponential", 0}, 1 << 20, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.backoff.wait(c.n); got != c.want {
				t.Errorf("wait %s, want %s", got, c.want)
			}
		})
	}
}

// Whatever stands in opts, the worker's numbers stay in their ranges.
func FuzzParseOptions(f *testing.F) {
	f.Add(`{"attempts":3,"backoff":{"type":"exponential","delay":1e9},"removeOnFail":{"age":1e300,"count":-1e300}}`)
	f.Fuzz(func(t *testing.T, text string) {
		o := parseOptions(text)
		if o.attempts < 1 || o.completed.count < -1 || o.failed.count < -1 {
			t.Errorf("options %+v", o)
		}
		for n := range 70 {
			if d := o.backoff.wait(n); d < 0 || d > longest {
				t.Errorf("pause %d is %s", n, d)
			}
		}
	})
}

func TestParseJob_RefusesWhatIsNoJob(t *testing.T) {
	for name, reply := range map[string]any{
		"text": "x", "no id": []any{}, "a field without a value": []any{"1", "data"}, "a number": []any{"1", "data", int64(7)},
	} {
		t.Run(name, func(t *testing.T) {
			if job, err := parseJob(reply); err == nil {
				t.Errorf("it is job %+v", job)
			}
		})
	}
}
