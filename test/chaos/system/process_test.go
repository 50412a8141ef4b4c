package system

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// shell returns a process that marks its runs in a file and then does as told.
func shell(t *testing.T, script string) (p *Process, marks string) {
	t.Helper()
	folder := t.TempDir()
	marks = filepath.Join(folder, "marks")
	sh, err := Find("sh", "a shell")
	if err != nil {
		t.Fatal(err)
	}
	p = &Process{Name: "shell", path: sh, args: []string{"-c", "echo run >>" + marks + "; " + script}, env: os.Environ(),
		log: filepath.Join(folder, "log"), polite: true, ready: func(context.Context) error { return nil }}
	t.Cleanup(func() { p.Kill(); p.keepers.Wait() })
	return p, marks
}

// runs waits until the process has run n times.
func runs(t *testing.T, marks string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		text, err := os.ReadFile(marks)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if len(text) >= n*len("run\n") {
			return
		}
		wait(ctx, probePause)
	}
	t.Fatalf("not %d runs", n)
}

func TestProcess_ComesBackWhenItEndsByItself(t *testing.T) {
	p, marks := shell(t, "exit 3")
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs(t, marks, 2)
	if len(p.Exits()) == 0 {
		t.Error("its end was not noted")
	}
}

func TestProcess_StaysAwayWhenItWasEnded(t *testing.T) {
	for name, end := range map[string]func(*Process){"killed": (*Process).Kill, "stopped": (*Process).Stop} {
		t.Run(name, func(t *testing.T) {
			p, marks := shell(t, "trap 'exit 0' TERM; while :; do sleep 0.05; done")
			if err := p.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			runs(t, marks, 1)
			end(p)
			if p.Running() {
				t.Error("it runs")
			}
			if exits := p.Exits(); len(exits) > 0 {
				t.Errorf("noted %q", exits)
			}
			if err := p.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			runs(t, marks, 2)
		})
	}
}

func TestProcess_NotesThatItDidNotEndWell(t *testing.T) {
	p, marks := shell(t, "trap 'exit 5' TERM; while :; do sleep 0.05; done")
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs(t, marks, 1)
	p.Stop()
	if len(p.Exits()) != 1 {
		t.Errorf("noted %q", p.Exits())
	}
}
