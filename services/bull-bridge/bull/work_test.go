package bull

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestVerdict(t *testing.T) {
	failed := errors.New("no")
	later := Postpone(failed, time.Second)
	once, twice := options{attempts: 1}, options{attempts: 2}
	for name, c := range map[string]struct {
		cause error
		job   Job
		err   error
		want  End
	}{
		"what worked is completed":                    {nil, Job{options: once}, nil, Completed},
		"what worked just before a stop is completed": {errStop, Job{options: once}, nil, Completed},
		"the last attempt fails the job":              {nil, Job{options: once}, failed, Failed},
		"an earlier one does not":                     {nil, Job{options: twice}, failed, Retried},
		"the second of two is the last":               {nil, Job{options: twice, AttemptsMade: 1}, failed, Failed},
		"what is postponed is no attempt":             {nil, Job{options: once}, later, Postponed},
		"a stop gives the job back":                   {errStop, Job{options: once}, context.Canceled, Released},
		"a stop gives back what failed meanwhile":     {errStop, Job{options: once}, failed, Released},
		"a lost job is left alone":                    {errLost, Job{options: once}, context.Canceled, Lost},
	} {
		t.Run(name, func(t *testing.T) {
			if got := verdict(c.cause, c.job, c.err); got != c.want {
				t.Errorf("verdict %s, want %s", got, c.want)
			}
		})
	}
}
