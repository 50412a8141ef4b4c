package service_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/service"
)

type Shared struct {
	Wait time.Duration `env:"T_WAIT" envDefault:"3s" help:"how long to wait"`
}

type settings struct {
	Shared
	Port   uint16        `env:"T_PORT" envDefault:"7" help:"a port"`
	Names  []string      `env:"T_NAMES" help:"names, separated by commas"`
	Loud   bool          `env:"T_LOUD"`
	Level  zerolog.Level `env:"T_LEVEL" envDefault:"info"`
	Secret string        `env:"JWT_SECRET,required" help:"a secret"`
	Plain  int           // no setting
}

func TestLoad(t *testing.T) {
	t.Setenv("T_PORT", "9") // the process's own environment counts for nothing
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("of-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(change func(*settings)) settings {
		s := settings{Shared: Shared{Wait: 3 * time.Second}, Port: 7, Level: zerolog.InfoLevel, Secret: "s"}
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		vars service.Vars
		want settings
	}{
		"what is not set has its default": {service.Vars{"JWT_SECRET": "s"}, with(func(*settings) {})},
		"what is set is read": {
			service.Vars{"JWT_SECRET": "s", "T_WAIT": "1m", "T_PORT": "8", "T_NAMES": "a,b", "T_LOUD": "true", "T_LEVEL": "warn"},
			with(func(s *settings) {
				s.Wait, s.Port, s.Names, s.Loud, s.Level = time.Minute, 8, []string{"a", "b"}, true, zerolog.WarnLevel
			}),
		},
		"what is set to nothing has its default": {
			service.Vars{"JWT_SECRET": "s", "T_WAIT": "", "T_PORT": "", "JWT_SECRET_FILE": ""}, with(func(*settings) {}),
		},
		"a value may stand in a file": {
			service.Vars{"JWT_SECRET_FILE": file}, with(func(s *settings) { s.Secret = "of-a-file" }),
		},
		"a variable that is set to nothing is not set beside its file": {
			service.Vars{"JWT_SECRET": "", "JWT_SECRET_FILE": file}, with(func(s *settings) { s.Secret = "of-a-file" }),
		},
		"development mode accepts a fixed secret": {
			service.Vars{"JWT_SECRET": service.DevJWTSecret, "CREATE_USER_MODE": service.ModeDevelopment},
			with(func(s *settings) { s.Secret = service.DevJWTSecret }),
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

func TestLoad_LeavesTheVariablesAsTheyAre(t *testing.T) {
	vars := service.Vars{"JWT_SECRET": "s", "T_WAIT": ""}
	if _, err := service.Load[settings](vars); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(service.Vars{"JWT_SECRET": "s", "T_WAIT": ""}, vars); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

func TestLoad_ErrorsNameTheVariableAndNotItsValue(t *testing.T) {
	const value = "sesame"
	t.Setenv("JWT_SECRET", "s") // the process's own environment counts for nothing
	for name, vars := range map[string]service.Vars{
		"JWT_SECRET is not set":                                                {"JWT_SECRET": ""},
		"JWT_SECRET is not set (see --help)":                                   nil,
		"T_PORT cannot be read as a number from 0 to 65535":                    {"JWT_SECRET": "s", "T_PORT": value},
		"T_WAIT cannot be read as a duration, such as 500ms or 2m":             {"JWT_SECRET": "s", "T_WAIT": value},
		"T_LOUD cannot be read as true or false":                               {"JWT_SECRET": "s", "T_LOUD": value},
		"T_LEVEL cannot be read as a level: trace, debug, info, warn or error": {"JWT_SECRET": "s", "T_LEVEL": value},
		"JWT_SECRET_FILE: ":                                                    {"JWT_SECRET_FILE": "/nowhere"},
		"JWT_SECRET and JWT_SECRET_FILE are both set":                          {"JWT_SECRET": value, "JWT_SECRET_FILE": "/nowhere"},
		"JWT_SECRET holds the public development value":                        {"JWT_SECRET": service.DevJWTSecret, "CREATE_USER_MODE": value},
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

func TestLoad_NamesEveryVariableThatIsWrong(t *testing.T) {
	_, err := service.Load[settings](service.Vars{"T_PORT": "-1", "T_WAIT": "soon"})
	for _, name := range []string{"T_PORT", "T_WAIT", "JWT_SECRET"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is missing in: %v", name, err)
		}
	}
}

type Other struct {
	Wait time.Duration `env:"T_OTHER_WAIT"`
}

func TestLoad_NamesBothVariablesOfFieldsOfOneName(t *testing.T) {
	_, err := service.Load[struct {
		Shared
		Other
	}](service.Vars{"T_OTHER_WAIT": "soon"})
	if err == nil || !strings.Contains(err.Error(), "T_WAIT or T_OTHER_WAIT cannot be read") {
		t.Errorf("the error is %v", err)
	}
}

// secrets names every variable that development mode sets.
type secrets struct {
	Console    string `env:"CONSOLE_TOKEN"`
	JWT        string `env:"JWT_SECRET"`
	SealOpen   string `env:"SEAL_PRIVATE_KEYS"`
	Seal       string `env:"SEAL_PUBLIC_KEY"`
	LetterOpen string `env:"DEAD_LETTER_PRIVATE_KEY"`
	Letter     string `env:"DEAD_LETTER_PUBLIC_KEY"`
	Encrypt    string `env:"ENCRYPT_KEY"`
}

func TestLoad_RefusesEveryDevelopmentSecretElsewhere(t *testing.T) {
	folder := t.TempDir()
	for name, fixed := range service.DevSecrets() {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(fixed+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for what, vars := range map[string]service.Vars{
			"by itself":            {name: fixed},
			"in another mode":      {name: fixed, "CREATE_USER_MODE": "production"},
			"in a file":            {name + "_FILE": file},
			"after spaces":         {name: "  " + fixed},
			"behind one's own key": {name: "mine:key, " + fixed},
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				_, err := service.Load[secrets](vars)
				if err == nil || !strings.HasPrefix(err.Error(), name+" holds the public development value") || strings.Contains(err.Error(), fixed) {
					t.Errorf("the error is %v", err)
				}
			})
		}
	}
	if _, err := service.Load[secrets](service.DevSecrets().With(service.Vars{"CREATE_USER_MODE": "development"})); err != nil {
		t.Errorf("in development mode: %v", err)
	}
	if _, err := service.Load[settings](service.Vars{"JWT_SECRET": "s", "ENCRYPT_KEY": service.DevEncryptKey}); err != nil {
		t.Errorf("a variable that is not read: %v", err)
	}
}

func TestWith_LaysVariablesOverOthers(t *testing.T) {
	under := service.Vars{"A": "1", "B": "1"}
	if diff := cmp.Diff(service.Vars{"A": "1", "B": "2", "C": "2"}, under.With(service.Vars{"B": "2", "C": "2"})); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(service.Vars{"A": "1", "B": "1"}, under); diff != "" {
		t.Errorf("what was under (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(service.Vars{"A": "1"}, service.Vars(nil).With(service.Vars{"A": "1"})); diff != "" {
		t.Errorf("over nothing (-want +got):\n%s", diff)
	}
}

func TestWriteHelp_IsATableOfTheSettings(t *testing.T) {
	var b strings.Builder
	if err := service.WriteHelp[settings](&b); err != nil {
		t.Fatal(err)
	}
	const want = `
  T_WAIT      3s          how long to wait
  T_PORT      7           a port
  T_NAMES                 names, separated by commas
  T_LOUD                  
  T_LEVEL     info        
  JWT_SECRET  (required)  a secret
`
	if diff := cmp.Diff(want, "\n"+b.String()); diff != "" {
		t.Errorf("help (-want +got):\n%s", diff)
	}
}
