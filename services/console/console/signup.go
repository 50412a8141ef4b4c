package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/create-user/create-user/pkg/event"
)

// Mood is how the encryption stand-in answers.
type Mood string

// The moods of the encryption stand-in.
const (
	MoodWell     Mood = "well"     // it encrypts
	MoodAway     Mood = "away"     // it does not answer
	MoodFaults   Mood = "faults"   // it answers every call with a SOAP fault
	MoodNonsense Mood = "nonsense" // it answers with what is no SOAP
)

// Moods lists every mood.
func Moods() []Mood { return []Mood{MoodWell, MoodAway, MoodFaults, MoodNonsense} }

// Development is what the sign-up page needs: it plays the upstream service, and
// exists in development mode alone.
type Development struct {
	// SocketURL is where browsers reach the notifier.
	SocketURL string
	// Upstream plays the service that sends codes and publishes requests.
	Upstream Upstream
	// Encryption sets the mood of the encryption stand-in, and returns it; with an
	// empty mood it only returns it. Nil: there is no stand-in.
	Encryption func(Mood) Mood
}

// Upstream plays the upstream service of development.
type Upstream interface {
	// Token signs a user's token.
	Token(id string) (string, error)
	// SignUp sends a user a code and publishes their registration, in such a way that
	// it ends with the wanted code, as far as that is up to the upstream service. It
	// returns the sagas that it began, the one whose outcome is wanted last.
	SignUp(ctx context.Context, form Form, want event.Code) (sagas []string, err error)
}

// Form is what a person enters.
type Form struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	Phone    string `json:"phone"`
	Password string `json:"password"`
	Image    string `json:"image"`
}

// connectSources are the hosts that the sign-up page may connect to.
func (d *Development) connectSources() string {
	return d.SocketURL + " " + strings.Replace(d.SocketURL, "http", "ws", 1)
}

// signupWants are the outcomes that the page can provoke, in the order of its buttons.
func signupWants() []event.Code {
	return []event.Code{
		event.CodeSessionExpired, event.CodeIncorrect, event.CodeLocked, event.CodeDuplicateRequest, event.CodeUserExists,
		event.CodeInvalidRequest, event.CodeEncryptionFailed, event.CodeDeadlineExceeded, event.CodeProcessingError,
	}
}

type signupData struct {
	SocketURL string
	Steps     []event.Step
	Wants     []event.Code
	Moods     []Mood
	Mood      Mood
}

func (s *server) signupPage(*http.Request) (view, error) {
	d := signupData{SocketURL: s.development.SocketURL, Wants: signupWants()}
	for _, step := range event.Path() {
		if step.Appends != "" {
			d.Steps = append(d.Steps, step)
		}
	}
	if s.development.Encryption != nil {
		d.Moods, d.Mood = Moods(), s.development.Encryption("")
	}
	return view{page: "signup", data: d}, nil
}

// signupForm is what the page sends.
type signupForm struct {
	Form

	Want event.Code `json:"want"`
}

// readSignup reads the form; when it cannot, it has answered.
func readSignup(w http.ResponseWriter, r *http.Request) (form signupForm, ok bool) {
	if err := json.NewDecoder(r.Body).Decode(&form); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "the form cannot be read, or is larger than 64 KiB"})
		return form, false
	}
	return form, true
}

// signupToken answers with what the browser needs to join the user's room.
func (s *server) signupToken(w http.ResponseWriter, r *http.Request) {
	form, ok := readSignup(w, r)
	if !ok {
		return
	}
	token, err := s.development.Upstream.Token(form.ID)
	if err != nil {
		answer(w, http.StatusBadGateway, map[string]string{"error": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]string{"token": token, "room": form.ID + "_Create_User"})
}

// signupSubmit signs a user up and answers with the sagas that it began.
func (s *server) signupSubmit(w http.ResponseWriter, r *http.Request) {
	body, ok := readSignup(w, r)
	if !ok {
		return
	}
	sagas, err := s.development.Upstream.SignUp(r.Context(), body.Form, body.Want)
	if field, ok := errors.AsType[*event.FieldError](err); ok {
		answer(w, http.StatusBadRequest, map[string]string{"error": field.Error()})
		return
	}
	if err != nil {
		s.log.Warn().Err(err).Msg("cannot sign a user up")
		answer(w, http.StatusBadGateway, map[string]string{"error": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]any{"sagas": sagas, "user": event.UserHash(body.ID)})
}

// signupEncryption sets the mood of the encryption stand-in.
func (s *server) signupEncryption(w http.ResponseWriter, r *http.Request) {
	mood := Mood(r.FormValue("mood"))
	if s.development.Encryption == nil || !slices.Contains(Moods(), mood) {
		answer(w, http.StatusBadRequest, map[string]string{"error": "mood: want well, away, faults or nonsense, and a stand-in that is embedded"})
		return
	}
	answer(w, http.StatusOK, map[string]Mood{"mood": s.development.Encryption(mood)})
}
