package console

import (
	"net/http"
	"time"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/streams"
)

type systemData struct {
	Streams  []streams.StreamStatus
	Replicas []replica
	Version  string
	Began    time.Time
	Settings []service.Setting
}

func (s *server) systemPage(r *http.Request) (view, error) {
	status, err := streams.Status(r.Context(), s.env.JS)
	if err != nil {
		return view{}, err
	}
	shared, err := service.Describe[service.Settings](s.env.Vars)
	if err != nil {
		return view{}, err
	}
	own, err := service.Describe[Settings](s.env.Vars)
	if err != nil {
		return view{}, err
	}
	return view{page: "system", data: systemData{
		Streams: status, Replicas: s.presences.list(time.Now()), Version: service.Version(), Began: s.began,
		Settings: append(own, shared...),
	}}, nil
}
