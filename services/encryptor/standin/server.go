package standin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

const (
	requestTimeout = 10 * time.Second // to send a request, and to take its answer
	idleTimeout    = 2 * time.Minute  // of a connection
)

// Server serves a Standin. Shutdown ends it.
type Server struct {
	http     *http.Server
	listener net.Listener
	stopped  chan struct{} // closed when served is set
	served   error         // what http.Serve returned
}

// Start serves a [Standin], or what stands before it, at a TCP address, such as "127.0.0.1:4005", or port 0
// for any. It is reachable when Start returns.
func Start(ctx context.Context, address string, handler http.Handler) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("starting the encryption stand-in: %w", err)
	}
	s := &Server{
		listener: listener,
		stopped:  make(chan struct{}),
		http: &http.Server{
			Handler:           handler,
			ReadTimeout:       requestTimeout,
			WriteTimeout:      requestTimeout,
			IdleTimeout:       idleTimeout,
			ReadHeaderTimeout: requestTimeout,
			// It could name nothing but broken connections and, with a panic's
			// stack, the bytes of a request.
			ErrorLog: log.New(io.Discard, "", 0),
		},
	}
	go func() { // Shutdown waits for it
		defer close(s.stopped)
		s.served = s.http.Serve(listener)
	}()
	return s, nil
}

// URL returns the address to call.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() + "/" }

// Shutdown takes no more requests and waits for those in hand, until ctx ends;
// then it drops them. It returns why the server had stopped before, if it had.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("stopping the encryption stand-in: %w", err), s.http.Close())
	}
	<-s.stopped
	if !errors.Is(s.served, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("serving the encryption stand-in: %w", s.served))
	}
	return err
}
