// Package proc reads from Linux's /proc what processes have used, and measures
// folders.
package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of CPU times in /proc/<pid>/stat: USER_HZ, which is 100 on
// every architecture that Go runs on. Source: proc_pid_stat(5), time(7).
const tick = 10 * time.Millisecond

// CPU returns the CPU time that a process has used, in user and kernel mode.
func CPU(pid int) (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}
	after := data[bytes.LastIndexByte(data, ')')+1:] // the name may hold anything
	fields := strings.Fields(string(after))
	const user, system = 14 - 3, 15 - 3 // fields are counted from 1, and the third comes first here
	if len(fields) <= system {
		return 0, fmt.Errorf("read the CPU time of process %d: too few fields", pid)
	}
	u, err1 := strconv.ParseInt(fields[user], 10, 64)
	s, err2 := strconv.ParseInt(fields[system], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}
	return time.Duration(u+s) * tick, nil
}

// Memory is what a process holds in RAM, in bytes.
type Memory struct{ Resident, Peak int64 }

// MemoryOf returns the resident memory of a process, now and at most.
func MemoryOf(pid int) (Memory, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Memory{}, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	var m Memory
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(line, ":")
		kib := strings.TrimSuffix(strings.TrimSpace(value), " kB")
		var into *int64
		switch name {
		case "VmRSS":
			into = &m.Resident
		case "VmHWM":
			into = &m.Peak
		default:
			continue
		}
		n, err := strconv.ParseInt(kib, 10, 64)
		if err != nil {
			return Memory{}, fmt.Errorf("read the memory of process %d: %w", pid, err)
		}
		*into = n << 10
	}
	return m, nil
}

// Disk returns how many bytes the files below a folder occupy. Files that
// vanish meanwhile count for nothing.
func Disk(folder string) (int64, error) {
	var total int64
	err := filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		info, err := d.Info()
		if err != nil {
			return ignoreGone(err)
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			total += stat.Blocks * 512 // its unit, whatever the file system's is: stat(2)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("measure folder %s: %w", folder, err)
	}
	return total, nil
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
