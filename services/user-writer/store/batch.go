package store

// batches cuts entries, in their order, into batches of at most rows entries and at
// most size bytes; an entry that is larger alone is a batch alone.
func batches(entries []*entry, rows, size int) [][]*entry {
	var (
		cut   [][]*entry
		start int
		bytes int
	)
	for i, e := range entries {
		n := len(e.ID) + len(e.Phone) + len(e.Password) + len(e.Name) + len(e.Image)
		if i > start && (i-start == rows || bytes+n > size) {
			cut = append(cut, entries[start:i])
			start, bytes = i, 0
		}
		bytes += n
	}
	if start < len(entries) {
		cut = append(cut, entries[start:])
	}
	return cut
}
