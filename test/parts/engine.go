package parts

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

const (
	pingTimeout  = 2 * time.Second  // for the engine to answer at all
	offerTimeout = 20 * time.Second // for the registry to begin sending an image
	pullTimeout  = 5 * time.Minute  // for a whole image
)

// sessionLabel marks our containers with the name of their session's folder, by
// which the guard finds them.
const sessionLabel = "create-user.parts.session"

// engine is a Docker engine that answers.
type engine struct {
	client   *client.Client                 // for images, signals and state
	provider *testcontainers.DockerProvider // for containers
	host     string                         // where published ports are reached
	bind     string                         // the address they are published on
	session  string                         // value of sessionLabel
}

// newEngineClient returns a client of the engine that DOCKER_HOST names, or of
// the local one.
func newEngineClient() (*client.Client, error) {
	c, err := client.New(client.FromEnv)
	if err != nil {
		return nil, fmt.Errorf("reading DOCKER_HOST: %w", err)
	}
	return c, nil
}

// findDocker returns the engine, or why there is none. The quick ping comes
// first: testcontainers-go would wait on an engine that hangs.
func (s *session) findDocker() (*engine, error) {
	c, err := newEngineClient()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
	defer cancel()
	if _, err := c.Ping(ctx, client.PingOptions{}); err != nil {
		return nil, errors.Join(fmt.Errorf("no Docker engine answers: %w", err), c.Close())
	}
	folder, err := s.folder()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(folder, dockerMark), nil, 0o600); err != nil {
		return nil, fmt.Errorf("telling the guard of Docker: %w", err)
	}
	provider, err := newProvider()
	if err != nil {
		return nil, err
	}
	e := &engine{client: c, provider: provider, session: filepath.Base(folder)}
	e.host, e.bind = publishing(c.DaemonHost())
	return e, nil
}

// newProvider returns the maker of containers. Its own reaper, which would be
// one more image to pull, stays off: our guard does that work. It reports every
// act on the standard error unless told not to.
func newProvider() (*testcontainers.DockerProvider, error) {
	if err := os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true"); err != nil {
		return nil, fmt.Errorf("switching the reaper off: %w", err)
	}
	tclog.SetDefault(tclog.NewNoopLogger())
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return nil, fmt.Errorf("opening the Docker engine: %w", err)
	}
	return provider, nil
}

// publishing returns where the ports of containers are reached, and the address
// to publish them on: loopback only, unless the engine runs on another machine.
func publishing(daemon string) (host, bind string) {
	u, err := url.Parse(daemon)
	if err != nil || u.Hostname() == "" || u.Scheme == "unix" {
		return "127.0.0.1", "127.0.0.1"
	}
	return u.Hostname(), "0.0.0.0"
}

// haveImage makes sure that the engine has the image. It pulls once: when there
// is no way to the registry, the next flavour is better than another try.
func (e *engine) haveImage(ctx context.Context, image string) error {
	_, err := e.client.ImageInspect(ctx, image)
	if err == nil {
		return nil
	}
	if !errdefs.IsNotFound(err) {
		return fmt.Errorf("looking for the image %s: %w", image, err)
	}
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	impatience := time.AfterFunc(offerTimeout, cancel)
	pull, err := e.client.ImagePull(ctx, image, client.ImagePullOptions{})
	if err != nil {
		return fmt.Errorf("pulling the image %s: %w", image, err)
	}
	if !impatience.Stop() {
		return errors.Join(fmt.Errorf("pulling the image %s: no answer within %s", image, offerTimeout), pull.Close())
	}
	if err := pull.Wait(ctx); err != nil {
		return fmt.Errorf("pulling the image %s: %w", image, err)
	}
	return nil
}

// removeContainers removes what is left of a session.
func removeContainers(ctx context.Context, session string) (err error) {
	c, err := newEngineClient()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	found, err := c.ContainerList(ctx, client.ContainerListOptions{
		All:     true,
		Filters: make(client.Filters).Add("label", sessionLabel+"="+session),
	})
	if err != nil {
		return fmt.Errorf("listing the session's containers: %w", err)
	}
	var errs []error
	for _, item := range found.Items {
		_, err := c.ContainerRemove(ctx, item.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		if err != nil && !errdefs.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("removing a container: %w", err))
		}
	}
	return errors.Join(errs...)
}
