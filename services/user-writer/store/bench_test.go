package store_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/create-user/create-user/services/user-writer/store"
)

// BenchmarkInsert inserts users into SQLite in batches, without contention.
func BenchmarkInsert(b *testing.B) {
	for _, image := range []int{100, 30 << 10} {
		for _, size := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("image=%dB/batch=%d", image, size), func(b *testing.B) {
				s := openSQLite(b, filepath.Join(b.TempDir(), "users.db"))
				batch := make([]store.User, size)
				n := 0
				b.SetBytes(int64(size * image))
				for b.Loop() {
					for i := range batch {
						batch[i] = user(strconv.Itoa(n))
						batch[i].Image = strings.Repeat("i", image)
						n++
					}
					insert(b, s, batch...)
				}
				b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "users/s")
				if err := s.Close(); err != nil {
					b.Error(err)
				}
			})
		}
	}
}

// BenchmarkInsert_Redelivered inserts batches that stand already, as after a crash.
func BenchmarkInsert_Redelivered(b *testing.B) {
	s := openSQLite(b, filepath.Join(b.TempDir(), "users.db"))
	batch := make([]store.User, 256)
	for i := range batch {
		batch[i] = user(strconv.Itoa(i))
	}
	insert(b, s, batch...)
	for b.Loop() {
		insert(b, s, batch...)
	}
	b.ReportMetric(float64(b.N*len(batch))/b.Elapsed().Seconds(), "users/s")
	if err := s.Close(); err != nil {
		b.Error(err)
	}
}
