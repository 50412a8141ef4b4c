package service_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/service"
)

type Shared struct {
	Wait time.Duration `env:"T_WAIT" envDefault:"3s"`
}

type settings struct {
	Shared
	Port   uint16   `env:"T_PORT" envDefault:"7"`
	Names  []string `env:"T_NAMES"`
	Secret string   `env:"JWT_SECRET,required"`
}

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("of-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	defaults := settings{Shared: Shared{Wait: 3 * time.Second}, Port: 7, Secret: "s"}
	for name, c := range map[string]struct {
		vars service.Vars
		want settings
	}{
		"what is not set has its default": {service.Vars{"JWT_SECRET": "s"}, defaults},
		"what is set is read": {
			service.Vars{"JWT_SECRET": "s", "T_WAIT": "1m", "T_PORT": "8", "T_NAMES": "a,b"},
			settings{Shared: Shared{Wait: time.Minute}, Port: 8, Names: []string{"a", "b"}, Secret: "s"},
		},
		"a value may stand in a file": {
			service.Vars{"JWT_SECRET_FILE": file},
			settings{Shared: Shared{Wait: 3 * time.Second}, Port: 7, Secret: "of-a-file"},
		},
		"development mode accepts a fixed secret": {
			service.Vars{"JWT_SECRET": service.DevJWTSecret, "CREATE_USER_MODE": service.ModeDevelopment},
			settings{Shared: Shared{Wait: 3 * time.Second}, Port: 7, Secret: service.DevJWTSecret},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := service.Load[settings](c.vars)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoad_ErrorsNameTheVariableAndNotItsValue(t *testing.T) {
	const value = "sesame"
	for name, vars := range map[string]service.Vars{
		"JWT_SECRET is not set":                             {},
		"T_PORT cannot be read as a uint16":                 {"JWT_SECRET": "s", "T_PORT": value},
		"T_WAIT cannot be read as a time.Duration":          {"JWT_SECRET": "s", "T_WAIT": value},
		"JWT_SECRET_FILE: ":                                 {"JWT_SECRET_FILE": "/nowhere"},
		"JWT_SECRET and JWT_SECRET_FILE are both set":       {"JWT_SECRET": value, "JWT_SECRET_FILE": "/nowhere"},
		"JWT_SECRET holds the public development value: se": {"JWT_SECRET": service.DevJWTSecret},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := service.Load[settings](vars)
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("the error is %v", err)
			}
			if err != nil && (strings.Contains(err.Error(), value) || strings.Contains(err.Error(), service.DevJWTSecret)) {
				t.Errorf("the value stands in the error: %v", err)
			}
		})
	}
}
