package system

import (
	"fmt"

	"github.com/create-user/create-user/streams"
)

// declaredLimit returns how many bytes a stream is declared to hold.
func declaredLimit(stream string) (int64, error) {
	d, err := streams.Load()
	if err != nil {
		return 0, fmt.Errorf("read the declarations: %w", err)
	}
	declared, ok := d.Stream(stream)
	if !ok {
		return 0, fmt.Errorf("stream %s is not declared", stream)
	}
	return declared.Config.MaxBytes, nil
}
