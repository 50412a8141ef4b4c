package bull

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Job is one job, as a handler gets it.
type Job struct {
	ID   string
	Data []byte // JSON, as the producer wrote it

	// Added is when the job was added, in milliseconds since 1970, as the producer
	// wrote it. A queue that was emptied may give out the same ids again; with the
	// time a job's id is its own for ever.
	Added string

	// AttemptsMade is how many attempts have failed before this one.
	AttemptsMade int

	options    options
	stacktrace []string // one entry for each failed attempt
}

// parseJob reads the id, the field names and the values that take.lua returns.
func parseJob(reply any) (Job, error) {
	list, ok := reply.([]any)
	if !ok || len(list)%2 == 0 {
		return Job{}, fmt.Errorf("read a job: the reply is a %T", reply)
	}
	texts := make([]string, len(list))
	for i, one := range list {
		if texts[i], ok = one.(string); !ok {
			return Job{}, fmt.Errorf("read a job: the reply holds a %T", one)
		}
	}
	fields := make(map[string]string, len(texts)/2)
	for i := 1; i < len(texts); i += 2 {
		fields[texts[i]] = texts[i+1]
	}
	job := Job{ID: texts[0], Data: []byte(fields["data"]), Added: fields["timestamp"], options: parseOptions(fields["opts"])}
	job.AttemptsMade, _ = strconv.Atoi(fields["attemptsMade"])        // none yet
	_ = json.Unmarshal([]byte(fields["stacktrace"]), &job.stacktrace) // none yet, or not ours to judge
	return job, nil
}
