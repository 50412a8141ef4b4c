package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/create-user/create-user/pkg/client"
)

// yielded is what a source yields: the line and Id of each request, or its error.
func yielded(s source) []string {
	var all []string
	for r, err := range s {
		if err != nil {
			all = append(all, err.Error())
			continue
		}
		all = append(all, fmt.Sprintf("%d %s", r.line, r.ID))
	}
	return all
}

const (
	noRequest = "want one JSON object with text fields: Id, Token, Code, Phone, Password, Username, Image, Key"
	header    = "Id,Token,Code,Phone,Password,Username"
)

func TestReadNDJSON(t *testing.T) {
	t.Parallel()
	long := `{"Id":"` + strings.Repeat("sesame", maxLine/6) + `"}`
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"nothing is no request":                  {"", nil},
		"blank lines are no requests":            {"\n \r\n\t\n", nil},
		"a line is a request":                    {`{"Id":"a"}` + "\n" + `{"Id":"b"}` + "\n", []string{"1 a", "2 b"}},
		"the last line may lack its end":         {`{"Id":"a"}` + "\n" + `{"Id":"b"}`, []string{"1 a", "2 b"}},
		"lines may end as on Windows":            {`{"Id":"a"}` + "\r\n" + `{"Id":"b"}` + "\r\n", []string{"1 a", "2 b"}},
		"blank lines count":                      {"\n\n" + `{"Id":"a"}`, []string{"3 a"}},
		"a byte order mark is passed over":       {"\ufeff" + `{"Id":"a"}`, []string{"1 a"}},
		"names match in any case":                {`{"ID":"a"}`, []string{"1 a"}},
		"what is no request is an error, once":   {"sesame\n" + `{"Id":"b"}`, []string{"line 1: " + noRequest, "2 b"}},
		"an unknown field is one":                {`{"Id":"a","Imgae":"sesame"}`, []string{"line 1: " + noRequest}},
		"a code that is a number is one":         {`{"Id":"a","Code":739154}`, []string{"line 1: " + noRequest}},
		"an array is one":                        {`["sesame"]`, []string{"line 1: " + noRequest}},
		"null is one":                            {`null`, []string{"line 1: " + noRequest}},
		"two objects on a line are one":          {`{"Id":"a"}{"Id":"b"}`, []string{"line 1: " + noRequest}},
		"what follows an object is one":          {`{"Id":"a"}}`, []string{"line 1: " + noRequest}},
		"text that is not UTF-8 is one":          {"{\"Id\":\"a\",\"Password\":\"caf\xe9\"}\n" + `{"Id":"b"}`, []string{"line 1: not UTF-8", "2 b"}},
		"a line that is too long is one":         {long + "\n" + `{"Id":"b"}`, []string{"line 1: longer than 8388608 bytes", "2 b"}},
		"a last line that is too long is one":    {`{"Id":"b"}` + "\n" + long, []string{"1 b", "line 2: longer than 8388608 bytes"}},
		"a line of the largest image is not":     {`{"Id":"a","Image":"` + strings.Repeat(`\u0007`, 1<<20) + `"}`, []string{"1 a"}},
		"a field may be null, which is nothing":  {`{"Id":"a","Image":null}`, []string{"1 a"}},
		"an object without fields is nobody's":   {`{}`, []string{"1 "}},
		"a line that is half a request is wrong": {`{"Id":"a",`, []string{"line 1: " + noRequest}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := readRequests(strings.NewReader(c.in), "", "ndjson")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, yielded(s)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadCSV(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"a header alone is no request":          {header, nil},
		"a record is a request":                 {header + "\na,,,,,\nb,,,,,\n", []string{"2 a", "3 b"}},
		"lines may end as on Windows":           {header + "\r\na,,,,,\r\nb,,,,,\r\n", []string{"2 a", "3 b"}},
		"a byte order mark is passed over":      {"\ufeff" + header + "\na,,,,,", []string{"2 a"}},
		"columns come in any order and case":    {"key, image ,USERNAME,password,phone,code,token,id\n,,,,,,,a", []string{"2 a"}},
		"a field may hold a line end":           {header + "\n\"a\nb\",,,,,\nc,,,,,", []string{"2 a\nb", "4 c"}},
		"blank lines are no requests":           {header + "\n\na,,,,,\n\n", []string{"3 a"}},
		"too few fields are an error, once":     {header + "\nsesame,,\nb,,,,,", []string{"line 2: wrong number of fields", "3 b"}},
		"too many fields are one":               {header + "\na,,,,,,sesame\nb,,,,,", []string{"line 2: wrong number of fields", "3 b"}},
		"a quote inside a field is one":         {header + "\nses\"ame,,,,,\nb,,,,,", []string{`line 2: bare " in non-quoted-field`, "3 b"}},
		"text behind a quoted field is one":     {header + "\n\"a\"sesame,,,,,\nb,,,,,", []string{`line 2: extraneous or missing " in quoted-field`, "3 b"}},
		"a quote that never ends takes all":     {header + "\n\"a,,,,,\nb,,,,,", []string{`line 2: extraneous or missing " in quoted-field`}},
		"a huge field is one like any other":    {header + "\n" + strings.Repeat("a", 9<<20) + ",,,,,\n", []string{"2 " + strings.Repeat("a", 9<<20)}},
		"text that is not UTF-8 stays as it is": {header + "\n\xe9,,,,,\n", []string{"2 \xe9"}}, // and is refused before it is sent
	} {
		t.Run(name, func(t *testing.T) {
			s, err := readRequests(strings.NewReader(c.in), "", "csv")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, yielded(s)); diff != "" {
				t.Errorf("requests (-want +got):\n%.1000s", diff)
			}
		})
	}
}

func TestReadCSV_RefusesAWrongHeaderBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"nothing":                   {"", "--file: it is empty: want a header line"},
		"a byte order mark alone":   {"\ufeff", "--file: it is empty: want a header line"},
		"an unknown column":         {header + ",Sesame\n", "--file: column 7 of the header line is none of Id, Token"},
		"a column without a name":   {header + ",\n", "--file: column 7 of the header line is none of"},
		"two names in a column":     {"Id Token,Token,Code,Phone,Password,Username\n", "--file: column 1 of the header line is none of"},
		"a column twice":            {header + ",id\n", "--file: the header line names Id twice"},
		"no column for the code":    {"Id,Token,Phone,Password,Username\n", "--file: the header line lacks Code"},
		"a request in its place":    {"sesame,t,739154,+49,p,u\n", "--file: column 1 of the header line is none of"},
		"a quote that never ends":   {"\"Sesame", "--file: read the header line: "},
		"a file of another kind":    {"{\"Id\":\"sesame\"}\n", "--file: "},
		"a file of nothing but nul": {"\x00\x00", "--file: column 1"},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			_, err := readRequests(strings.NewReader(c.in), "", "csv")
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(strings.ToLower(err.Error()), "sesame") {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
}

func TestReadRequests_GuessesTheFormat(t *testing.T) {
	t.Parallel()
	const object, table = `{"Id":"a"}`, header + "\na,,,,,"
	for name, c := range map[string]struct {
		in, file, format string
		want             []string
	}{
		"by the name .csv":       {table, "requests.csv", "auto", []string{"2 a"}},
		"by the name .ndjson":    {object, "requests.ndjson", "auto", []string{"1 a"}},
		"by the name .jsonl":     {object, "requests.jsonl", "auto", []string{"1 a"}},
		"by the name .json":      {"[]", "requests.json", "auto", []string{"line 1: " + noRequest}},
		"by a brace":             {object, "", "auto", []string{"1 a"}},
		"by a brace after space": {"\r\n  " + object, "", "auto", []string{"2 a"}},
		"by a brace after a BOM": {"\ufeff" + object, "", "auto", []string{"1 a"}},
		"by anything else":       {table, "", "auto", []string{"2 a"}},
		"nothing is no request":  {"", "", "auto", nil},
		"the flag comes first":   {table, "requests.ndjson", "csv", []string{"2 a"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, in := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in))} {
				s, err := readRequests(in, c.file, c.format)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, yielded(s)); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// A file that cannot be read to its end is an error, and the end.
func TestReadRequests_EndWithTheErrorOfTheFile(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	for format, c := range map[string]struct{ in, want string }{
		"ndjson": {`{"Id":"a"}` + "\n", "line 2: disk on fire"},
		"csv":    {header + "\na,,,,,\n", "disk on fire"},
	} {
		s, err := readRequests(io.MultiReader(strings.NewReader(c.in), iotest.ErrReader(broken)), "", format)
		if err != nil {
			t.Fatal(err)
		}
		got := yielded(s)
		if len(got) != 2 || got[1] != c.want {
			t.Errorf("%s: %q", format, got)
		}
	}
	if _, err := readRequests(iotest.ErrReader(broken), "", "csv"); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
}

func TestReadRequests_StopWhenTold(t *testing.T) {
	t.Parallel()
	for format, in := range map[string]string{
		"ndjson": "{}\nsesame\n{}\n", "csv": header + "\na,,,,,\nb\nc,,,,,\n",
	} {
		for after := range 3 {
			s, err := readRequests(strings.NewReader(in), "", format)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for range s {
				if n++; n > after {
					break
				}
			}
			if n != after+1 {
				t.Errorf("%s: %d requests, want %d", format, n, after+1)
			}
		}
	}
}

// What is written as NDJSON or CSV is read as it was.
func TestReadRequests_ReadWhatIsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return r != '\r' && utf8.ValidRune(r) })) // CSV cannot keep a \r\n
		var want []client.Registration
		var ndjson, table bytes.Buffer
		lines, records := json.NewEncoder(&ndjson), csv.NewWriter(&table)
		write := func(record ...string) {
			if err := records.Write(record); err != nil {
				t.Fatal(err)
			}
		}
		write("Key", "Image", "Username", "Password", "Phone", "Code", "Token", "Id")
		for range rapid.IntRange(0, 5).Draw(t, "requests") {
			l := line{
				ID: text.Draw(t, "Id"), Token: text.Draw(t, "Token"), Code: text.Draw(t, "Code"), Phone: text.Draw(t, "Phone"),
				Password: text.Draw(t, "Password"), Username: text.Draw(t, "Username"), Image: text.Draw(t, "Image"), Key: text.Draw(t, "Key"),
			}
			want = append(want, l.registration())
			if err := lines.Encode(l); err != nil {
				t.Fatal(err)
			}
			write(l.Key, l.Image, l.Username, l.Password, l.Phone, l.Code, l.Token, l.ID)
		}
		records.Flush()
		for format, in := range map[string]io.Reader{"ndjson": &ndjson, "csv": &table} {
			s, err := readRequests(in, "", format)
			if err != nil {
				t.Fatal(err)
			}
			var got []client.Registration
			for r, err := range s {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, r.Registration)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", format, diff)
			}
		}
	})
}

// lineErrors are all errors that a line may have: none holds what stands there.
var lineErrors = regexp.MustCompile(`^line \d+: (` + noRequest + `|not UTF-8|longer than \d+ bytes|wrong number of fields|` +
	`bare " in non-quoted-field|extraneous or missing " in quoted-field)$`)

func checkSource(t *testing.T, s source, lines int) {
	t.Helper()
	n, last := 0, 0
	for r, err := range s {
		if n++; n > lines {
			t.Fatalf("%d requests of %d lines", n, lines)
		}
		if err != nil {
			if !lineErrors.MatchString(err.Error()) {
				t.Errorf("the error is %q", err)
			}
			continue
		}
		if r.line <= last || r.line > lines {
			t.Errorf("line %d of %d follows line %d", r.line, lines, last)
		}
		last = r.line
	}
}

func FuzzReadNDJSON(f *testing.F) {
	for _, seed := range []string{"", "{}\n", `{"Id":"a","Code":1}`, "\ufeff{\"Id\":\"a\"}\r\n\r\n{\"Id\":\"b\"}", "{\"Id\":\"\xff\"}\nnull\n[]\n{} {}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := readRequests(bytes.NewReader(in), "", "ndjson")
		if err != nil {
			t.Fatal(err)
		}
		checkSource(t, s, bytes.Count(in, []byte("\n"))+1)
		for r, err := range s {
			if err == nil && !utf8.ValidString(r.ID+r.Password) {
				t.Error("what is not UTF-8 was let through")
			}
		}
	})
}

func FuzzReadCSV(f *testing.F) {
	for _, seed := range []string{"", header, header + "\na,t,1,+49,p,u\n", "\ufeff" + header + "\r\n\"a\nb\",t,1,+49,\"p\"\"\",u\r\nb\n", header + "\n\"a"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := readRequests(bytes.NewReader(in), "", "csv")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "--file: ") {
				t.Errorf("the error is %v", err)
			}
			return
		}
		checkSource(t, s, bytes.Count(in, []byte("\n"))+1)
	})
}
