package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
)

// source yields requests. A request that cannot be read is yielded as an error
// that names its line; the ones after it follow.
type source = iter.Seq2[client.Registration, error]

func oneOf(r client.Registration) source {
	return func(yield func(client.Registration, error) bool) { yield(r, nil) }
}

// maxLine bounds a line of NDJSON: the largest image, escaped, and room for the rest.
const maxLine = 4 * event.MaxImage

// readRequests reads requests in the given format; "auto" goes by the file's
// name, else by the first character.
func readRequests(from io.Reader, name, format string) (source, error) {
	in := bufio.NewReader(from)
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
	if first, err := in.Peek(1); err == nil && first[0] != '{' {
		return "csv"
	}
	return "ndjson"
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

func readNDJSON(in io.Reader) source {
	return func(yield func(client.Registration, error) bool) {
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, maxLine)
		n := 0
		for lines.Scan() {
			n++
			if len(strings.TrimSpace(lines.Text())) == 0 {
				continue
			}
			var l line
			err := json.Unmarshal(lines.Bytes(), &l)
			if err != nil {
				err = fmt.Errorf("line %d: want one JSON object with text fields", n) // the library's error would quote the line
			}
			if !yield(l.registration(), err) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(client.Registration{}, fmt.Errorf("line %d: %w", n+1, err))
		}
	}
}

// readCSV reads the header line at once, so that a wrong one is an error before
// anything is sent.
func readCSV(in io.Reader) (source, error) {
	records := csv.NewReader(in)
	header, err := records.Read()
	if err != nil {
		return nil, fmt.Errorf("--file: read the header line: %w", err)
	}
	if err := checkHeader(header); err != nil {
		return nil, err
	}
	return func(yield func(client.Registration, error) bool) {
		for {
			record, err := records.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				_, goesOn := errors.AsType[*csv.ParseError](err)
				if !yield(client.Registration{}, err) || !goesOn {
					return
				}
				continue
			}
			if !yield(fromRecord(header, record), nil) {
				return
			}
		}
	}, nil
}

func checkHeader(header []string) error {
	known := " id token code phone password username image key "
	for _, name := range header {
		if !strings.Contains(known, " "+strings.ToLower(strings.TrimSpace(name))+" ") {
			return fmt.Errorf("--file: the header line names an unknown field %q; known are Id, Token, Code, Phone, Password, Username, Image, Key", name)
		}
	}
	return nil
}

func fromRecord(header, record []string) client.Registration {
	var r client.Registration
	for i, name := range header {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "id":
			r.ID = record[i]
		case "token":
			r.Token = record[i]
		case "code":
			r.Code = record[i]
		case "phone":
			r.Phone = record[i]
		case "password":
			r.Password = record[i]
		case "username":
			r.Username = record[i]
		case "image":
			r.Image = record[i]
		case "key":
			r.Key = record[i]
		}
	}
	return r
}
