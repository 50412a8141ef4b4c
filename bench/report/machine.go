package report

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/create-user/create-user/test/chaos/system"
)

// ThisMachine describes the machine that this process runs on. What it cannot
// find out it leaves empty: nothing depends on it.
func ThisMachine(ctx context.Context) Machine {
	m := Machine{Cores: runtime.NumCPU(), Started: time.Now().UTC().Format(time.RFC3339), Parts: map[string]string{"Go": runtime.Version()}}
	m.CPU = find("/proc/cpuinfo", `model name\s*: (.*)`)
	m.Kernel = find("/proc/version", `^Linux version (\S+)`)
	if kib, err := strconv.Atoi(find("/proc/meminfo", `MemTotal:\s*(\d+)`)); err == nil {
		m.Memory = (kib + 1<<19) >> 20
	}
	for name, command := range map[string][]string{
		"MariaDB": {"mariadbd", "--version"}, "Redis": {"redis-server", "--version"}, "Node.js": {"node", "--version"},
	} {
		path, err := system.Find(command[0], "")
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, path, command[1:]...).Output()
		if err == nil {
			m.Parts[name] = regexp.MustCompile(`\d+\.\d+\.\d+`).FindString(string(out))
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			switch d.Path {
			case "github.com/nats-io/nats.go":
				m.Parts["nats.go"] = strings.TrimPrefix(d.Version, "v")
			case "github.com/ThreeDotsLabs/watermill":
				m.Parts["Watermill"] = strings.TrimPrefix(d.Version, "v")
			}
		}
	}
	return m
}

// find returns what the first group of a pattern matches in a file.
func find(file, pattern string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	found := regexp.MustCompile(`(?m)` + pattern).FindSubmatch(data)
	if found == nil {
		return ""
	}
	return strings.TrimSpace(string(found[1]))
}
