package console

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/deadletter"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/console/board"
	"github.com/create-user/create-user/services/console/web"
)

// server answers the console's requests. Its fields do not change once it serves,
// but for the counters.
type server struct {
	ctx         context.Context // ends when the console stops: streams end with it
	env         *service.Env
	settings    Settings
	log         zerolog.Logger
	pages       pages
	access      access
	began       time.Time
	store       *saga.Store
	letters     *deadletter.Box
	opener      *event.Opener // nil: dead letters stay sealed
	board       *board.Board
	consumers   *consumers
	presences   presences
	development *Development // nil: no sign-up page

	past     atomic.Uint64 // events that were stored when the console began to read
	read     atomic.Uint64
	caughtUp atomic.Bool
}

// handler returns the console's routes behind its guards.
func (s *server) handler() http.Handler {
	inside := http.NewServeMux()
	inside.Handle("GET /{$}", s.page(s.flowPage))
	inside.Handle("GET /sagas", s.page(s.sagasPage))
	inside.Handle("GET /sagas/{user}/{saga}", s.page(s.sagaPage))
	inside.HandleFunc("GET /sagas/{user}/{saga}/steps", s.sagaSteps)
	inside.Handle("GET /letters", s.page(s.lettersPage))
	inside.Handle("GET /letters/{number}", s.page(s.letterPage))
	inside.Handle("POST /letters/confirm", s.page(s.confirmPage))
	inside.Handle("POST /letters/act", s.page(s.actPage))
	inside.Handle("GET /system", s.page(s.systemPage))
	inside.HandleFunc("GET /live", s.live)
	inside.HandleFunc("GET /series", s.series)
	if s.development != nil {
		inside.Handle("GET /signup", s.page(s.signupPage))
		inside.HandleFunc("POST /signup/token", s.signupToken)
		inside.HandleFunc("POST /signup/submit", s.signupSubmit)
		inside.HandleFunc("POST /signup/encryption", s.signupEncryption)
	}
	inside.Handle("/", s.page(func(*http.Request) (view, error) { return view{}, errNotFound }))

	outside := http.NewServeMux()
	outside.Handle("GET /static/", web.Static())
	outside.Handle("GET /login", s.page(s.loginPage))
	outside.HandleFunc("POST /login", s.login)
	outside.HandleFunc("POST /logout", s.logout)
	outside.Handle("/", s.access.guard(inside))
	return s.headers(http.NewCrossOriginProtection().Handler(outside))
}

// headers sets what the browser must heed on every page: nothing from elsewhere,
// no framing, no guessing of types, no address told to others.
func (s *server) headers(next http.Handler) http.Handler {
	policy := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; connect-src 'self'"
	if s.development != nil {
		policy += " " + s.development.connectSources()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// maxForm bounds what a browser may send, in bytes: the largest is a sign-up.
const maxForm = 64 << 10

// view is what a page shows.
type view struct {
	page string // the template; empty for a redirection
	to   string // where a redirection leads
	data any
}

// frame is what every page has around its own data.
type frame struct {
	Page, Actor           string
	ReadOnly, Development bool
	Data                  any
}

var (
	errNotFound = errors.New("there is no such page")
	errReadOnly = errors.New("this console is read-only (CONSOLE_READ_ONLY)")
)

// badRequest is an error of what the browser sent.
type badRequest struct{ error }

func (e badRequest) Unwrap() error { return e.error }

// page makes a handler of what makes a view.
func (s *server) page(show func(*http.Request) (view, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := show(r)
		switch {
		case err != nil:
			s.refuse(w, r, err)
		case v.page == "":
			http.Redirect(w, r, v.to, http.StatusSeeOther)
		default:
			s.render(w, r, http.StatusOK, v)
		}
	})
}

// refuse answers with an error that says what is wrong.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusBadGateway // what stands behind the console did not answer
	_, bad := errors.AsType[badRequest](err)
	switch {
	case errors.Is(err, errNotFound), errors.Is(err, deadletter.ErrNone):
		status = http.StatusNotFound
	case errors.Is(err, errReadOnly):
		status = http.StatusForbidden
	case bad:
		status = http.StatusBadRequest
	default:
		s.log.Warn().Err(err).Str("path", r.Pattern).Msg("cannot show a page")
	}
	s.render(w, r, status, view{page: "error", data: map[string]any{"Status": status, "Error": err.Error()}})
}

func (s *server) render(w http.ResponseWriter, r *http.Request, status int, v view) {
	var out bytes.Buffer
	f := frame{
		Page: v.page, Actor: actorOf(r.Context()),
		ReadOnly: s.settings.ReadOnly, Development: s.development != nil, Data: v.data,
	}
	if err := s.pages.execute(&out, v.page, f); err != nil {
		s.log.Error().Err(err).Str("page", v.page).Msg("cannot make a page")
		http.Error(w, "the page cannot be made: see the console's log", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w) // a browser that is gone needs no answer
}
