package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// event is one line of go test -json (go doc test2json).
type event struct {
	Action      string
	Package     string
	Test        string
	Output      string
	Elapsed     float64 // seconds
	ImportPath  string  // of build events, which have no Package
	FailedBuild string  // the ImportPath whose build made this package fail
}

// report gathers what go test says, and writes what a reader wants of it.
type report struct {
	out      io.Writer
	packages map[string]*pkg
	builds   map[string][]string // output of the compiler by ImportPath

	passed   int
	failures []string // one line each, for the summary
}

func newReport(out io.Writer) *report {
	return &report{out: out, packages: map[string]*pkg{}, builds: map[string][]string{}}
}

// failed is the number of failures.
func (r *report) failed() int { return len(r.failures) }

// read reads events until in ends. A line that is none is shown as it is.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil && e.Action != "" {
				r.add(e)
			} else {
				r.printf("%s", line)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading from go test: %w", err)
		}
	}
}

// add takes one event.
func (r *report) add(e event) {
	switch {
	case e.ImportPath != "":
		if e.Action == "build-output" {
			r.builds[e.ImportPath] = append(r.builds[e.ImportPath], e.Output)
		}
	case e.Test != "":
		r.pkg(e.Package).add(e)
	case e.Action == "output":
		p := r.pkg(e.Package)
		p.output = append(p.output, e.Output)
	case e.Action == "pass", e.Action == "fail", e.Action == "skip":
		r.end(e)
		delete(r.packages, e.Package)
	}
}

// end counts a package that has ended, and shows how.
func (r *report) end(e event) {
	p := r.pkg(e.Package)
	result := p.result()
	r.passed += result.passed
	ok := e.Action != "fail" && len(result.failed) == 0
	if ok {
		if result.passed > 0 {
			r.printf("ok    %s  %d passed  %.1fs\n", e.Package, result.passed, e.Elapsed)
		}
		return
	}
	r.printf("FAIL  %s  %d passed, %d failed  %.1fs\n", e.Package, result.passed, len(result.failed), e.Elapsed)
	for _, t := range result.shown {
		r.printf("----- %s %s\n%s", t.name, t.verdict(), t.text())
	}
	for _, t := range result.failed {
		r.failures = append(r.failures, fmt.Sprintf("%s  %s  %s", e.Package, t.name, t.verdict()))
	}
	if len(result.failed) == 0 || result.unfinished {
		r.printf("----- %s\n%s", e.Package, strings.Join(append(r.builds[e.FailedBuild], p.output...), ""))
	}
	if len(result.failed) == 0 {
		r.failures = append(r.failures, e.Package+"  fails outside its tests")
	}
}

// close ends the report: packages that never ended, go test's own error when
// nothing else explains it, and the summary of all failures.
func (r *report) close(err error) {
	for name := range r.packages {
		r.end(event{Action: "fail", Package: name})
	}
	if err != nil && len(r.failures) == 0 {
		r.failures = append(r.failures, err.Error())
	}
	if len(r.failures) > 0 {
		r.printf("\nFailed:\n")
	}
	for _, f := range r.failures {
		r.printf("  %s\n", f)
	}
}

func (r *report) pkg(name string) *pkg {
	p := r.packages[name]
	if p == nil {
		p = &pkg{byName: map[string]*test{}}
		r.packages[name] = p
	}
	return p
}

// printf writes to the reader. There is nobody to tell when that fails.
func (r *report) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(r.out, format, args...)
}
