package bridge

import (
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/service/servicetest"
)

func TestService_RefusesSettingsByTheirNames(t *testing.T) {
	for want, vars := range map[string]service.Vars{
		"BULL_REDIS_URL: ":        {"BULL_REDIS_URL": "http://secret@here"},
		"BULL_CONCURRENCY: ":      {"BULL_CONCURRENCY": "0"},
		"BULL_LOCK_DURATION: ":    {"BULL_LOCK_DURATION": "1ms"},
		"BULL_STALLED_INTERVAL: ": {"BULL_STALLED_INTERVAL": "0s"},
		"BULL_LIMITER_MAX: ":      {"BULL_LIMITER_MAX": "-1"},
		"BULL_LIMITER_DURATION: ": {"BULL_LIMITER_DURATION": "0s"},
		"SEAL_PUBLIC_KEY: ":       {"SEAL_PUBLIC_KEY": "secret"},
	} {
		t.Run(want, func(t *testing.T) {
			err := servicetest.Refuses(t, Service(), vars)
			if !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
