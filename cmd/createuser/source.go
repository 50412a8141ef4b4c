package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
)

// request is a registration to submit.
type request struct {
	client.Registration
	line int // where it stands in its file; 0: nowhere
}

// source yields requests. One that cannot be read is yielded as an error that
// names its line, and never what stands there; the ones after it follow.
type source = iter.Seq2[request, error]

func oneOf(r client.Registration) source {
	return func(yield func(request, error) bool) { yield(request{Registration: r}, nil) }
}

// readRequests reads requests in the given format; "auto" goes by the file's
// name, else by the first character.
func readRequests(from io.Reader, name, format string) (source, error) {
	in := bufio.NewReader(from)
	if mark, err := in.Peek(3); err == nil && bytes.Equal(mark, []byte("\ufeff")) {
		_, _ = in.Discard(len(mark)) // a byte order mark; it is buffered
	}
	if format == "auto" {
		format = guess(in, name)
	}
	if format == "csv" {
		return readCSV(in)
	}
	return readNDJSON(in), nil
}

func guess(in *bufio.Reader, name string) string {
	switch {
	case strings.HasSuffix(name, ".csv"):
		return "csv"
	case strings.HasSuffix(name, ".ndjson"), strings.HasSuffix(name, ".jsonl"), strings.HasSuffix(name, ".json"):
		return "ndjson"
	}
	_, _ = in.Peek(1)                 // fills the buffer; an error comes again
	head, _ := in.Peek(in.Buffered()) // all of it, which does not fail
	if head = bytes.TrimSpace(head); len(head) == 0 || head[0] == '{' {
		return "ndjson"
	}
	return "csv"
}

// line is a request as it stands in a file.
type line struct {
	ID                                                 string `json:"Id"`
	Token, Code, Phone, Password, Username, Image, Key string
}

func (l line) registration() client.Registration {
	return client.Registration{
		ID: l.ID, Token: l.Token, Code: l.Code, Phone: l.Phone, Password: l.Password,
		Username: l.Username, Image: l.Image, Key: l.Key,
	}
}

// maxLine bounds a line of NDJSON: the largest image, escaped, and room for the rest.
const maxLine = 8 * event.MaxImage

func readNDJSON(in *bufio.Reader) source {
	return func(yield func(request, error) bool) {
		for n := 1; ; n++ {
			text, err := nextLine(in)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(request{line: n}, fmt.Errorf("line %d: %w", n, err))
				return
			}
			text = bytes.TrimSpace(text)
			if len(text) == 0 {
				continue
			}
			registration, err := parseLine(text)
			if err != nil {
				err = fmt.Errorf("line %d: %w", n, err)
			}
			if !yield(request{registration, n}, err) {
				return
			}
		}
	}
}

// nextLine returns the next line, or as much of it as shows that it is longer
// than maxLine; the rest is read past.
func nextLine(in *bufio.Reader) ([]byte, error) {
	var text []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(text) <= maxLine {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(text) > 0: // the last line has no end
			return text, nil
		default:
			return text, err
		}
	}
}

// parseLine reads a line of NDJSON. The library's own errors would quote it.
func parseLine(text []byte) (client.Registration, error) {
	switch {
	case len(text) > maxLine:
		return client.Registration{}, fmt.Errorf("longer than %d bytes", maxLine)
	case !utf8.Valid(text):
		return client.Registration{}, errors.New("not UTF-8") // JSON would replace it without a word
	}
	var l line
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if text[0] != '{' || !json.Valid(text) || decoder.Decode(&l) != nil {
		return client.Registration{}, fmt.Errorf("want one JSON object with text fields: %s", columnNames())
	}
	return l.registration(), nil
}

// column is a field of a request in a CSV file.
type column struct {
	name     string
	optional bool
	of       func(*client.Registration) *string
}

func columns() []column {
	return []column{
		{"Id", false, func(r *client.Registration) *string { return &r.ID }},
		{"Token", false, func(r *client.Registration) *string { return &r.Token }},
		{"Code", false, func(r *client.Registration) *string { return &r.Code }},
		{"Phone", false, func(r *client.Registration) *string { return &r.Phone }},
		{"Password", false, func(r *client.Registration) *string { return &r.Password }},
		{"Username", false, func(r *client.Registration) *string { return &r.Username }},
		{"Image", true, func(r *client.Registration) *string { return &r.Image }},
		{"Key", true, func(r *client.Registration) *string { return &r.Key }},
	}
}

func columnNames() string {
	var names []string
	for _, c := range columns() {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// readCSV reads the header line at once, so that a wrong one is an error before
// anything is sent.
func readCSV(in io.Reader) (source, error) {
	records := csv.NewReader(in)
	header, err := records.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("--file: it is empty: want a header line")
	}
	if err != nil {
		return nil, fmt.Errorf("--file: read the header line: %w", err)
	}
	fields, err := parseHeader(header)
	if err != nil {
		return nil, fmt.Errorf("--file: %w", err)
	}
	return func(yield func(request, error) bool) {
		for {
			record, err := records.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				wrong, goesOn := errors.AsType[*csv.ParseError](err)
				if goesOn {
					err = fmt.Errorf("line %d: %w", wrong.StartLine, wrong.Err)
				}
				if !yield(request{}, err) || !goesOn {
					return
				}
				continue
			}
			r := request{}
			r.line, _ = records.FieldPos(0)
			for i, f := range fields {
				*f.of(&r.Registration) = record[i]
			}
			if !yield(r, nil) {
				return
			}
		}
	}, nil
}

// parseHeader returns the columns that a header line names. Its errors do not
// quote the line: where it was forgotten, it is a request.
func parseHeader(header []string) ([]column, error) {
	fields, seen := make([]column, len(header)), map[string]bool{}
	for i, name := range header {
		at := slices.IndexFunc(columns(), func(c column) bool { return strings.EqualFold(c.name, strings.TrimSpace(name)) })
		if at < 0 {
			return nil, fmt.Errorf("column %d of the header line is none of %s", i+1, columnNames())
		}
		fields[i] = columns()[at]
		if seen[fields[i].name] {
			return nil, fmt.Errorf("the header line names %s twice", fields[i].name)
		}
		seen[fields[i].name] = true
	}
	for _, c := range columns() {
		if !c.optional && !seen[c.name] {
			return nil, fmt.Errorf("the header line lacks %s", c.name)
		}
	}
	return fields, nil
}
