// Package child runs programs that are told what to do, and say what came of
// it, in JSON: one value a line on their standard input and output. A child
// ends when its input does, so none outlives this process.
package child

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// endTime is how long a child may take to end once its input has.
const endTime = 10 * time.Second

// maxLine is the longest line that a child may print, in bytes.
const maxLine = 64 << 20

// Child is a running program. Tell and Hear may each be called by one goroutine at a time.
type Child struct {
	name  string
	cmd   *exec.Cmd
	input io.WriteCloser
	lines chan []byte // closed at the end of its output
	rest  chan struct{}
}

// Start starts a program in a folder. Its standard error is this process's.
func Start(name, folder string, env []string, path string, args ...string) (*Child, error) {
	c := &Child{name: name, lines: make(chan []byte), rest: make(chan struct{})}
	c.cmd = exec.Command(path, args...) //nolint:noctx // it ends with its input
	c.cmd.Dir, c.cmd.Env, c.cmd.Stderr = folder, env, os.Stderr
	var err error
	if c.input, err = c.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	output, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go c.read(output) // Close waits for it
	return c, nil
}

// read hands on the child's lines. After Close nobody wants them any more.
func (c *Child) read(output io.Reader) {
	defer close(c.lines)
	scanner := bufio.NewScanner(output)
	scanner.Buffer(nil, maxLine)
	for scanner.Scan() {
		line := append([]byte(nil), scanner.Bytes()...)
		select {
		case c.lines <- line:
		case <-c.rest:
		}
	}
}

// Pid returns the child's process id.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Tell writes one line.
func (c *Child) Tell(v any) error {
	line, err := json.Marshal(v)
	if err == nil {
		_, err = c.input.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("tell %s: %w", c.name, err)
	}
	return nil
}

// Hear reads the next line into v.
func (c *Child) Hear(ctx context.Context, v any) error {
	select {
	case line, ok := <-c.lines:
		if !ok {
			return fmt.Errorf("hear from %s: it has ended", c.name)
		}
		if err := json.Unmarshal(line, v); err != nil {
			return fmt.Errorf("hear from %s: %w", c.name, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("hear from %s: %w", c.name, ctx.Err())
	}
}

// Ask tells the child something and reads its answer.
func (c *Child) Ask(ctx context.Context, question, answer any) error {
	return errors.Join(c.Tell(question), c.Hear(ctx, answer))
}

// Close ends the child and waits for it.
func (c *Child) Close() error {
	close(c.rest)
	_ = c.input.Close() // then it ends by itself
	late := time.AfterFunc(endTime, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	for range c.lines { // until its output ends
	}
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("end %s: %w", c.name, err)
	}
	return nil
}
