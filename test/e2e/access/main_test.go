package access

import (
	"testing"

	"github.com/create-user/create-user/test/parts"
)

func TestMain(m *testing.M) { parts.Main(m) }
