package parts

import (
	"context"
	"errors"
	"fmt"
)

// part describes one kind of server: what all flavours need to start it.
type part struct {
	name     string // as messages call it
	variable string // environment variable with the URL of a running one
	install  string // command that installs the binaries

	image         string // container image
	containerPort string // port and protocol inside the container
	containerEnv  map[string]string
	containerArgs []string // command of the container

	binaries []string // what must be on the machine; the first is the server
	// prepare makes an empty folder ready for the server's first start; nil if
	// there is nothing to do. bin holds the paths of binaries, in their order.
	prepare func(ctx context.Context, bin []string, folder string) error
	// args are the arguments of the server, which keeps its data in folder and
	// listens on this port of 127.0.0.1.
	args func(folder string, port int) []string

	// url is the address of a server on host:port, in the form that variable has.
	url func(addr string) string
	// addr is the host:port of such a URL. Its error does not echo the URL.
	addr func(url string) (string, error)
	// ready returns nil when the server behind the URL answers.
	ready func(ctx context.Context, url string) error
}

// open starts a server of this kind, or takes the one that the environment
// gives. It tries what flavours allows, and notes why it fell on to the next.
func (s *session) open(ctx context.Context, p part, alone bool) (*Server, error) {
	given := s.getenv(p.variable)
	candidates, err := flavours(flavour(s.getenv(flavourVariable)), given != "", alone)
	if err != nil {
		return nil, fmt.Errorf("choosing where %s comes from (%s): %w", p.name, p.variable, err)
	}
	var notes []string
	var errs []error
	for _, f := range candidates {
		server, err := s.openFlavour(ctx, p, f, given)
		if err == nil {
			server.alone = alone
			server.notes = append(notes, fmt.Sprintf("%s from %s at %s", p.name, f, server.Addr))
			return server, nil
		}
		notes = append(notes, fmt.Sprintf("%s not from %s: %v", p.name, f, err))
		errs = append(errs, fmt.Errorf("%s: %w", f, err))
	}
	return nil, fmt.Errorf("no %s for this test: %w\ninstall it with: %s\nor set %s to the address of a running one",
		p.name, errors.Join(errs...), p.install, p.variable)
}

func (s *session) openFlavour(ctx context.Context, p part, f flavour, given string) (*Server, error) {
	switch f {
	case flavourEnv:
		return openGiven(ctx, p, given)
	case flavourDocker:
		return s.openContainer(ctx, p)
	case flavourBinaries:
		return s.openProcess(ctx, p)
	default:
		return nil, fmt.Errorf("unknown flavour %q", f)
	}
}

// openGiven takes the server that the environment names.
func openGiven(ctx context.Context, p part, url string) (*Server, error) {
	addr, err := p.addr(url)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", p.variable, err)
	}
	server := &Server{Addr: addr, url: url, part: p}
	if err := server.awaitReady(ctx); err != nil {
		return nil, fmt.Errorf("the server that %s names: %w", p.variable, err)
	}
	return server, nil
}
