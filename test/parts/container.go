package parts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// logLines is how many lines of a container's log an error shows.
const logLines = "20"

// containerServer is a server that runs in a container of ours.
type containerServer struct {
	client    *client.Client
	container testcontainers.Container
}

// openContainer starts a server in a container.
func (s *session) openContainer(ctx context.Context, p part) (*Server, error) {
	e, err := s.docker()
	if err != nil {
		return nil, err
	}
	if err := e.haveImage(ctx, p.image); err != nil {
		return nil, err
	}
	return persist(func() (*Server, error) { return e.startContainer(ctx, p) })
}

// startContainer starts one on a port that stays the same when the container is
// stopped and started (one that Docker picks would not), and waits until it answers.
func (e *engine) startContainer(ctx context.Context, p part) (*Server, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	request, err := e.request(p, strconv.Itoa(port))
	if err != nil {
		return nil, err
	}
	made, err := e.provider.CreateContainer(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("creating a container of %s: %w", p.image, err)
	}
	instance := &containerServer{client: e.client, container: made}
	addr := net.JoinHostPort(e.host, strconv.Itoa(port))
	server := &Server{Addr: addr, url: p.url(addr), part: p, instance: instance}
	err = instance.start(ctx)
	if err == nil {
		err = server.awaitReady(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", p.image, err), instance.remove(ctx))
	}
	return server, nil
}

// request describes the container of a part that is reached on this port.
func (e *engine) request(p part, port string) (testcontainers.ContainerRequest, error) {
	inside, err := network.ParsePort(p.containerPort)
	if err != nil {
		return testcontainers.ContainerRequest{}, fmt.Errorf("reading the port of %s: %w", p.name, err)
	}
	bind, err := netip.ParseAddr(e.bind)
	if err != nil {
		return testcontainers.ContainerRequest{}, fmt.Errorf("reading the address to publish on: %w", err)
	}
	return testcontainers.ContainerRequest{
		Image:        p.image,
		Env:          p.containerEnv,
		Cmd:          p.containerArgs,
		ExposedPorts: []string{p.containerPort},
		Labels:       map[string]string{sessionLabel: e.session},
		HostConfigModifier: func(host *container.HostConfig) {
			host.PortBindings = network.PortMap{inside: {{HostIP: bind, HostPort: port}}}
		},
	}, nil
}

// start implements instance.
func (c *containerServer) start(ctx context.Context) error {
	if err := c.container.Start(ctx); err != nil {
		return fmt.Errorf("starting the container: %w", err)
	}
	return nil
}

// signal implements instance.
func (c *containerServer) signal(ctx context.Context, sig syscall.Signal) error {
	_, err := c.client.ContainerKill(ctx, c.container.GetContainerID(), client.ContainerKillOptions{
		Signal: strconv.Itoa(int(sig)),
	})
	if err != nil && !errdefs.IsConflict(err) { // a conflict: it has ended
		return fmt.Errorf("sending the container %s: %w", sig, err)
	}
	return nil
}

// running implements instance.
func (c *containerServer) running(ctx context.Context) (bool, error) {
	found, err := c.client.ContainerInspect(ctx, c.container.GetContainerID(), client.ContainerInspectOptions{})
	if err != nil {
		return false, fmt.Errorf("inspecting the container: %w", err)
	}
	return found.Container.State.Running, nil
}

// remove implements instance.
func (c *containerServer) remove(ctx context.Context) error {
	_, err := c.client.ContainerRemove(ctx, c.container.GetContainerID(), client.ContainerRemoveOptions{
		Force: true, RemoveVolumes: true,
	})
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("removing the container: %w", err)
	}
	return nil
}

// output implements instance.
func (c *containerServer) output(ctx context.Context) string {
	log, err := c.client.ContainerLogs(ctx, c.container.GetContainerID(), client.ContainerLogsOptions{
		ShowStdout: true, ShowStderr: true, Tail: logLines,
	})
	if err != nil {
		return "its log cannot be read"
	}
	defer log.Close()
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, &text, log); err != nil {
		return "its log cannot be read"
	}
	return strings.TrimSpace(text.String())
}
