package parts

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// crashVariable makes this test binary start its servers and wait to be killed.
const crashVariable = "CREATE_USER_PARTS_CRASH"

func TestMain(m *testing.M) {
	if os.Getenv(crashVariable) != "" && os.Getenv(guardVariable) == "" {
		waitToBeKilled()
		os.Exit(1)
	}
	Main(m)
}

// waitToBeKilled starts both servers, prints the folder and their addresses,
// and hangs until it is killed or its standard input ends.
func waitToBeKilled() {
	s := newSession(os.Getenv)
	folder, ferr := s.folder()
	redis, rerr := s.redis()
	mariaDB, merr := s.mariaDB()
	if err := errors.Join(ferr, rerr, merr); err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println(folder, redis.url, mariaDB.url)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}

func TestMain_LeavesNothingBehindWhenTheTestBinaryIsKilled(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashVariable+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	fields := strings.Fields(line)
	if err != nil || len(fields) != 3 {
		t.Fatalf("the binary said %q, %v; want folder and addresses", line, err)
	}
	if err := pingRedis(t.Context(), fields[1]); err != nil {
		t.Fatalf("before the kill: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	eventually(t, "Redis ends with the binary", func() bool { return pingRedis(t.Context(), fields[1]) != nil })
	eventually(t, "MariaDB ends with the binary", func() bool { return pingMariaDB(t.Context(), fields[2]) != nil })
	eventually(t, "the folder is removed", func() bool { return missing(fields[0]) })
}

func TestSession_CloseRemovesServersAndFolder(t *testing.T) {
	s := newSession(os.Getenv)
	redis, err := s.redis()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := s.folder()
	if err != nil {
		t.Fatal(err)
	}
	if missing(folder) {
		t.Fatal("the session has no folder")
	}
	if err := s.close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := pingRedis(t.Context(), redis.url); err == nil {
		t.Error("Redis still answers")
	}
	if !missing(folder) {
		t.Error("the folder is still there")
	}
}

func TestSession_WithoutServersClosesAtOnce(t *testing.T) {
	if err := newSession(os.Getenv).close(t.Context()); err != nil {
		t.Error(err)
	}
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return os.IsNotExist(err)
}

// eventually waits until holds returns true, and fails t after a generous while.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	pause := time.NewTicker(probePause)
	defer pause.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		case <-pause.C:
		}
	}
}
