package proc

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestCPU_CountsWhatThisProcessUses(t *testing.T) {
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); ; {
		after, err := CPU(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after > before {
			return
		}
		if time.Since(start) > time.Minute {
			t.Fatal("a minute of work took no CPU time")
		}
	}
}

func TestMemoryOf_SeesWhatThisProcessHolds(t *testing.T) {
	m, err := MemoryOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if m.Resident < 1<<20 || m.Peak < m.Resident {
		t.Errorf("memory %+v", m)
	}
}

func TestDisk_AddsUpWhatLiesInAFolder(t *testing.T) {
	folder := t.TempDir()
	below := filepath.Join(folder, "below")
	if err := os.Mkdir(below, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{filepath.Join(folder, "a"), filepath.Join(below, "b")} {
		if err := os.WriteFile(file, make([]byte, 64<<10), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Disk(folder)
	if err != nil {
		t.Fatal(err)
	}
	if got < 128<<10 || got > 256<<10 {
		t.Errorf("the folder has %d bytes", got)
	}
}

func TestProcesses_ThatAreNotThereAreErrors(t *testing.T) {
	const none = 1 << 30
	if _, err := CPU(none); err == nil {
		t.Error("a process that is not there has used CPU time")
	}
	if _, err := MemoryOf(none); err == nil {
		t.Error("a process that is not there has memory")
	}
}
