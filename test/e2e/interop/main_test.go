// Package interop has the services meet parts that others wrote: npm socket.io,
// jsonwebtoken, soap, nats and redis, as the surrounding systems use them.
package interop

import (
	"testing"

	"github.com/create-user/create-user/test/parts"
)

func TestMain(m *testing.M) { parts.Main(m) }
