package event

import "time"

// What the tests need of the inside.
const (
	MaxReadableID = maxReadableID
	MaxHeader     = maxHeader
	DataKeyAge    = dataKeyAge
	OpenedKeys    = openedKeys
	MaxSealedData = maxSealedData
	DataOverhead  = dataOverhead
	SealedKeySize = sealedKeySize
)

// SetNow replaces the clock of s.
func (s *Sealer) SetNow(now func() time.Time) { s.now = now }

// Opened returns how many data keys o remembers.
func (o *Opener) Opened() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.opened)
}
