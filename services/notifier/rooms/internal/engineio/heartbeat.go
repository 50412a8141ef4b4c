package engineio

import "time"

// heartbeat pings every session and ends those that are overdue, until the
// server closes. One goroutine for all sessions: they need no timer each, so
// none can be left behind.
func (srv *Server) heartbeat() {
	step := min(srv.opts.PingInterval, srv.opts.PingTimeout) / 8
	ticker := time.NewTicker(min(max(step, 5*time.Millisecond), time.Second))
	defer ticker.Stop()
	var sessions []*Session
	for {
		select {
		case now := <-ticker.C:
			sessions = srv.list(sessions)
			for _, s := range sessions {
				s.beat(now)
			}
			clear(sessions)
			sessions = sessions[:0]
		case <-srv.stop:
			return
		}
	}
}
