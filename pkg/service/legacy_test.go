package service_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/service"
)

// replaced has settings that the replaced service knew by other names.
type replaced struct {
	Port     uint16 `env:"T_PORT" envDefault:"7" legacy:"PORT" help:"a port"`
	Redis    string `env:"T_REDIS" envDefault:"redis://default" legacy:"redis://{OLD_HOST:127.0.0.1}:{OLD_PORT:6379}/0"`
	Password string `env:"T_PASSWORD" secret:"true"`
}

func TestLoad_TakesTheNamesOfTheReplacedService(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const standard = "redis://default"
	for name, c := range map[string]struct {
		vars service.Vars
		want replaced
	}{
		"none is set":           {nil, replaced{7, standard, ""}},
		"one name":              {service.Vars{"PORT": "8"}, replaced{8, standard, ""}},
		"one name, to nothing":  {service.Vars{"PORT": ""}, replaced{7, standard, ""}},
		"ours wins":             {service.Vars{"PORT": "8", "T_PORT": "9"}, replaced{9, standard, ""}},
		"ours in a file wins":   {service.Vars{"PORT": "8", "T_PORT_FILE": file}, replaced{9, standard, ""}},
		"one part of a value":   {service.Vars{"OLD_PORT": "1"}, replaced{7, "redis://127.0.0.1:1/0", ""}},
		"the other part":        {service.Vars{"OLD_HOST": "one"}, replaced{7, "redis://one:6379/0", ""}},
		"both parts of a value": {service.Vars{"OLD_HOST": "one", "OLD_PORT": "1"}, replaced{7, "redis://one:1/0", ""}},
	} {
		got, err := service.Load[replaced](c.vars)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	_, err := service.Load[replaced](service.Vars{"PORT": "sesame"})
	if err == nil || !strings.Contains(err.Error(), "T_PORT (from PORT) cannot be read") || strings.Contains(err.Error(), "sesame") {
		t.Errorf("the error is %v", err)
	}
}

func TestWriteHelp_NamesTheReplacedServicesVariables(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := service.WriteHelp[replaced](&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a port; also from PORT\n", "; also from OLD_HOST, OLD_PORT\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("help lacks %q:\n%s", want, &b)
		}
	}
}

func TestDescribe_SaysWhereEachSettingComesFromAndShowsNoSecret(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		vars service.Vars
		want []string
	}{
		"defaults": {nil, []string{"T_PORT=7 (default)", "T_REDIS=redis://default (default)", "T_PASSWORD= (default)"}},
		"variables": {
			service.Vars{"T_PORT": "8", "T_REDIS": "redis://ada:sesame@one:1/0?key=sesame", "T_PASSWORD": "sesame"},
			[]string{"T_PORT=8 (variable)", "T_REDIS=redis://********@one:1/0?******** (variable)", "T_PASSWORD=******** (variable)"},
		},
		"the replaced service's": {
			service.Vars{"PORT": "8", "OLD_HOST": "one", "T_PASSWORD_FILE": file},
			[]string{"T_PORT=8 (PORT)", "T_REDIS=redis://one:6379/0 (OLD_HOST, OLD_PORT)", "T_PASSWORD=******** (T_PASSWORD_FILE)"},
		},
		"what is no URL": {
			service.Vars{"T_REDIS": "redis://ada:ses/ame@one"},
			[]string{"T_PORT=7 (default)", "T_REDIS=******** (variable)", "T_PASSWORD= (default)"},
		},
	} {
		settings, err := service.Describe[replaced](c.vars)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range settings {
			got = append(got, s.Name+"="+s.Value+" ("+s.Source+")")
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := service.Describe[replaced](service.Vars{"T_PASSWORD_FILE": "/nowhere"}); err == nil {
		t.Error("a file that is not there is passed over")
	}
}

func TestWithDotEnv_ReadsTheFileInDevelopmentAlone(t *testing.T) {
	t.Parallel()
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), ".env")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	file := write("# of the replaced service\nPORT=8\nOLD_HOST=\"one\"\n")
	development := service.Vars{"CREATE_USER_MODE": "development", "PORT": "9", "OLD_HOST": ""}
	got, err := service.WithDotEnv(development, file)
	if diff := cmp.Diff(service.Vars{"CREATE_USER_MODE": "development", "PORT": "9", "OLD_HOST": "one"}, got); err != nil || diff != "" {
		t.Errorf("in development: %v (-want +got):\n%s", err, diff)
	}
	for _, mode := range []string{"", "production"} {
		vars := service.Vars{"CREATE_USER_MODE": mode}
		if got, err := service.WithDotEnv(vars, file); err != nil || got["PORT"] != "" {
			t.Errorf("in mode %q it is read: %v, %v", mode, got, err)
		}
	}
	if _, err := service.WithDotEnv(development, filepath.Join(t.TempDir(), ".env")); err != nil {
		t.Errorf("without a file: %v", err)
	}
	for text, want := range map[string]string{
		"sesame without a sign\n":       ".env: want lines of the form NAME=value",
		"CREATE_USER_MODE=production\n": ".env: CREATE_USER_MODE can only be development there",
	} {
		if _, err := service.WithDotEnv(development, write(text)); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}
