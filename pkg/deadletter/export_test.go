package deadletter

import (
	"context"

	"github.com/create-user/create-user/pkg/event"
)

// Audited does act as the acts of operators are done.
func (b *Box) Audited(ctx context.Context, action event.AuditAction, act func() error) error {
	return b.audited(ctx, action, Letter{Number: 1}, act)
}
