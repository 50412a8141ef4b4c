// Command createuser is the tool of Create User: it runs everything in
// development, submits and watches registrations, and prepares streams,
// database and keys.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/create-user/create-user/pkg/service"
)

// commands is the command line.
type commands struct {
	Run     runCommand        `cmd:"" help:"${run}"`
	Submit  submitCommand     `cmd:"" help:"Submit one registration from flags, or many from a file."`
	Watch   watchCommand      `cmd:"" help:"Show the history of a saga, or of all sagas of a user, as it happens."`
	DLQ     dlqCommand        `cmd:"" name:"dlq" help:"List, show, replay or discard dead letters."`
	Streams streamsCommand    `cmd:"" help:"Apply or show the declarations of streams and consumers."`
	Migrate migrateCommand    `cmd:"" help:"Apply or show the database's migrations."`
	Keygen  keygenCommand     `cmd:"" help:"Make a key pair for sealing credentials or dead letters."`
	Secrets secretsCommand    `cmd:"" help:"Make the secrets of a deployment: nkeys, certificate, sealing keys and passwords."`
	NATS    natsConfigCommand `cmd:"" name:"nats-config" help:"Print the accounts of a NATS server: who may do what."`
	StandIn standInCommand    `cmd:"" name:"stand-in" help:"Serve the SOAP encryption stand-in alone (development)."`
	Health  healthCommand     `cmd:"" name:"healthcheck" hidden:"" help:"Have the stand-in that runs with the same settings encrypt something: the health check of its container."`
	Code    codeCommand       `cmd:"" help:"Store a verification code for an Id in Redis, and print it (development)."`
	Token   tokenCommand      `cmd:"" help:"Print a signed token for an Id (development)."`
	User    userCommand       `cmd:"" help:"Show the stored row of an Id."`
	Sample  sampleCommand     `cmd:"" help:"Write sample requests, with tokens, and store their codes (development)."`
	Config  configCommand     `cmd:"" help:"Show the settings of services and where each comes from, and check what they need."`
	Version versionCommand    `cmd:"" help:"Print the version."`
}

// tool is what every command gets.
type tool struct {
	vars     service.Vars
	from     map[string]string // where a variable comes from, if not from the environment
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	t, err := newTool(service.Environ(), service.DotEnvFile)
	code := 2
	if err != nil {
		code = t.fail(code, err)
	} else {
		code = run(ctx, os.Args[1:], t)
	}
	stop()
	os.Exit(code)
}

// newTool returns the tool for an environment, with the settings in a .env file and
// the development defaults behind it, unless another mode is asked for.
func newTool(environ service.Vars, dotEnv string) (*tool, error) {
	t := &tool{from: map[string]string{}, in: os.Stdin, out: os.Stdout, err: os.Stderr}
	mode := environ[modeVariable]
	if mode == "" {
		mode = service.ModeDevelopment
	}
	given, err := service.WithDotEnv(environ.With(service.Vars{modeVariable: mode}), dotEnv)
	if err != nil {
		return t, err
	}
	t.vars = withDefaults(given)
	for name := range t.vars {
		switch {
		case environ[name] != "":
		case given[name] != "" && name != modeVariable:
			t.from[name] = service.DotEnvFile
		default:
			t.from[name] = "development default"
		}
	}
	return t, nil
}

// run runs one command and returns the exit code: 0, 1 for a failure, 2 for a
// wrong command line.
func run(ctx context.Context, args []string, t *tool) (code int) {
	var c commands
	exited := false
	parser, err := kong.New(&c, kong.Name("createuser"),
		kong.Description("Create User registers users reliably: an event-sourced saga on NATS JetStream.\n\n"+
			"Settings come from environment variables, the same as the services' (see \"<service> --help\"); "+
			"without any, they are those of \"createuser run\"."),
		kong.Writers(t.out, t.err), kong.Exit(func(int) { exited = true }),
		kong.Vars{"run": runHelp}, kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(t))
	if err != nil {
		return t.fail(1, err)
	}
	parsed, err := parser.Parse(args)
	if exited { // --help
		return 0
	}
	if err != nil {
		return t.fail(2, fmt.Errorf("%w (see --help)", err))
	}
	if err := parsed.Run(); err != nil {
		return t.fail(1, err)
	}
	return 0
}

func (t *tool) fail(code int, err error) int {
	_, _ = fmt.Fprintln(t.err, "createuser:", err) // nowhere else to say it
	return code
}

// printf writes to the command's output.
func (t *tool) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(t.out, format, args...)
	return err
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(t *tool) error { return t.printf("createuser %s\n", service.Version()) }
