package streams

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

//go:embed *.json consumers/*.json schemas/*.json
var files embed.FS

// Declarations is everything that is declared, in the order of the files'
// numbers: consumers in saga order.
type Declarations struct {
	Streams   []Stream
	Consumers []Consumer
}

// Stream is a declared stream. The object store bucket B is the stream OBJ_B.
type Stream struct {
	Config jetstream.StreamConfig
	fields []string // the settings that the file names
}

// Consumer is a declared durable consumer.
type Consumer struct {
	Stream string // the stream it reads; in the file, the metadata "stream"
	Config jetstream.ConsumerConfig
	fields []string // the settings that the file names
}

// relayOnly is the metadata "only" of a consumer that relay mode alone needs.
const relayOnly = "NOTIFIER_MODE=relay"

// RelayOnly reports whether only a notifier in relay mode uses c. Where nothing
// relays it is not created: nobody would take from it, so its backlog would grow to
// all that the stream holds.
func (c Consumer) RelayOnly() bool { return c.Config.Metadata["only"] == relayOnly }

// Load returns the declarations that are built into the program.
func Load() (Declarations, error) { return Parse(files) }

// Parse reads the declarations in a folder: <number>-<name>.json for each
// stream, and consumers/<number>-<name>.json for each consumer. An unknown key,
// a file whose name is not that of what it declares, and a consumer of a stream
// that is not declared are errors.
func Parse(folder fs.FS) (Declarations, error) {
	var d Declarations
	err := eachFile(folder, "*.json", func(name string, data []byte) error {
		var s Stream
		var err error
		if s.fields, err = decode(data, &s.Config); err != nil {
			return err
		}
		d.Streams = append(d.Streams, s)
		return same(name, s.Config.Name)
	})
	if err != nil {
		return Declarations{}, err
	}
	err = eachFile(folder, "consumers/*.json", func(name string, data []byte) error {
		var c Consumer
		var err error
		if c.fields, err = decode(data, &c.Config); err != nil {
			return err
		}
		c.Stream = c.Config.Metadata["stream"]
		d.Consumers = append(d.Consumers, c)
		if _, ok := d.Stream(c.Stream); !ok {
			return errors.New(`metadata "stream" names no declared stream`)
		}
		return same(name, c.Config.Durable)
	})
	if err != nil {
		return Declarations{}, err
	}
	return d, nil
}

// Stream returns the declaration of the named stream.
func (d Declarations) Stream(name string) (Stream, bool) {
	i := slices.IndexFunc(d.Streams, func(s Stream) bool { return s.Config.Name == name })
	if i < 0 {
		return Stream{}, false
	}
	return d.Streams[i], true
}

// eachFile calls do for the matching files in the order of their numbers, with
// the file's name without number and suffix.
func eachFile(folder fs.FS, pattern string, do func(name string, data []byte) error) error {
	matches, err := fs.Glob(folder, pattern)
	if err != nil {
		return fmt.Errorf("list %s: %w", pattern, err)
	}
	if len(matches) == 0 {
		return fmt.Errorf("no declaration matches %s", pattern)
	}
	slices.SortFunc(matches, func(a, b string) int {
		n, _ := split(a)
		m, _ := split(b)
		return cmp.Or(cmp.Compare(n, m), cmp.Compare(a, b))
	})
	for _, file := range matches {
		data, err := fs.ReadFile(folder, file)
		if err != nil {
			return fmt.Errorf("read declaration: %w", err)
		}
		_, name := split(file)
		if err := do(name, data); err != nil {
			return fmt.Errorf("declaration %s: %w", file, err)
		}
	}
	return nil
}

// split takes "folder/<number>-<name>.json" apart; without a number it is 0.
func split(file string) (number int, name string) {
	name = strings.TrimSuffix(path.Base(file), ".json")
	digits, rest, _ := strings.Cut(name, "-")
	number, err := strconv.Atoi(digits)
	if err != nil {
		return 0, name
	}
	return number, rest
}

// same reports a file whose name is not that of what it declares, so that the
// listing of the folder can be trusted.
func same(name, declared string) error {
	if name != declared {
		return fmt.Errorf("it declares %q: name the file <number>-%s.json", declared, declared)
	}
	return nil
}

// decode reads one declaration strictly and returns the names of its fields.
func decode(data []byte, config any) ([]string, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(config); err != nil {
		return nil, err
	}
	if decoder.More() {
		return nil, errors.New("more than one JSON value")
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	var fields []string
	for field := range raw {
		if field != strings.ToLower(field) { // encoding/json takes any case, others may not
			return nil, fmt.Errorf("json: unknown field %q", field)
		}
		fields = append(fields, field)
	}
	slices.Sort(fields)
	return fields, nil
}
