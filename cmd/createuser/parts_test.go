//go:build !deployed

package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestTellTime(t *testing.T) {
	for name, c := range map[string]struct {
		takes time.Duration // one call
		calls int           // in a minute, at least
		busy  time.Duration // in a minute, at most
	}{
		"often while it costs nothing": {takes: 0, calls: 1199, busy: 0},
		"rarely once it costs much":    {takes: time.Second, calls: 2, busy: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				var calls int
				var told time.Duration
				begun := time.Now()
				tellTime(ctx, func(passed time.Duration) {
					calls, told = calls+1, told+passed
					if late := time.Since(begun) - told; late != 0 {
						t.Errorf("call %d tells the time %s late", calls, late)
					}
					<-time.After(c.takes)
				})
				if busy := time.Duration(calls) * c.takes; calls < c.calls || busy > c.busy {
					t.Errorf("%d calls that took %s", calls, busy)
				}
			})
		})
	}
}
