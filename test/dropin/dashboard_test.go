package dropin

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/test/dropin/npm"
)

// dashboard looks at the queue again and again, as the operators of the replaced
// service do.
type dashboard struct {
	t     *testing.T
	queue *npm.Queue

	mu       sync.Mutex
	least    int               // jobs that were added; guarded by mu
	most     int               // those, and those that are being added; guarded by mu
	looks    int               // guarded by mu
	finished int               // the most that were completed; guarded by mu
	values   map[string]string // what completed jobs returned, by job; guarded by mu
}

func (d *dashboard) adding(n int) { d.mu.Lock(); d.most += n; d.mu.Unlock() }
func (d *dashboard) added(n int)  { d.mu.Lock(); d.least += n; d.mu.Unlock() }

// look counts once: each job is in one state, none has failed, and none that was
// completed comes back. And it reads the jobs that were completed last.
func (d *dashboard) look() npm.Counts {
	d.t.Helper()
	d.mu.Lock()
	least, finished := d.least, d.finished
	d.mu.Unlock()
	c := d.queue.Counts()
	d.completed(20)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looks++
	d.finished = max(d.finished, c.Completed)
	all := c.Waiting + c.Active + c.Completed + c.Failed + c.Delayed + c.Paused
	if all < least || all > d.most || c.Failed+c.Delayed+c.Paused > 0 || c.Completed < finished {
		d.t.Errorf("the dashboard shows %+v of %d to %d jobs, %d of which were completed before", c, least, d.most, finished)
	}
	return c
}

// completed reads the latest completed jobs, as many as most, or all when that is
// 0, and returns the saga that each has returned. A job's saga is always the same.
func (d *dashboard) completed(most int) map[string]string {
	d.t.Helper()
	sagas := map[string]string{}
	for _, job := range d.queue.Ended("completed", most) {
		var saga string
		if err := json.Unmarshal(job.ReturnValue, &saga); err != nil || !event.ValidSagaID(saga) ||
			job.AttemptsMade != 0 || job.FailedReason != "" || job.ProcessedOn < job.Timestamp || job.FinishedOn < job.ProcessedOn {
			d.t.Errorf("the dashboard shows a completed job as %+v", job)
		}
		sagas[job.ID] = saga
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for job, saga := range sagas {
		if before := d.values[job]; before != "" && before != saga {
			d.t.Errorf("job %s has returned %s, and now %s", job, before, saga)
		}
		d.values[job] = saga
	}
	return sagas
}

// watch looks every now and then until stop is called.
func (d *dashboard) watch() (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				d.look()
			}
		}
	}()
	return sync.OnceFunc(func() { close(ended); <-done })
}
