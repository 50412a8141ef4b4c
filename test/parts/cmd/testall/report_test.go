package main

import (
	"errors"
	"strings"
	"testing"
)

// events is the beginning of a run in which TestTable has two subtests.
const events = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestTable"}
{"Action":"run","Package":"p","Test":"TestTable/a/b"}
{"Action":"run","Package":"p","Test":"TestTable/second"}
{"Action":"pass","Package":"p","Test":"TestTable/a/b"}
`

func TestReport_Counts(t *testing.T) {
	for name, c := range map[string]struct {
		events         string
		err            error
		passed, failed int
		shows          []string
	}{
		"tests without subtests, and subtests": {
			events: events + `{"Action":"pass","Package":"p","Test":"TestTable/second"}
{"Action":"pass","Package":"p","Test":"TestTable"}
{"Action":"pass","Package":"p","Elapsed":1.5}
`, passed: 3, shows: []string{"ok    p  3 passed  1.5s"},
		},
		"a failed subtest once, not its parent too": {
			events: events + `{"Action":"output","Package":"p","Test":"TestTable/second","Output":"    x_test.go:1: want 1\n"}
{"Action":"fail","Package":"p","Test":"TestTable/second"}
{"Action":"output","Package":"p","Test":"TestTable","Output":"    x_test.go:2: prelude\n"}
{"Action":"fail","Package":"p","Test":"TestTable"}
{"Action":"fail","Package":"p"}
`, err: errors.New("exit status 1"), passed: 2, failed: 1,
			shows: []string{"want 1", "prelude", "Failed:\n  p  TestTable/second  failed\n"},
		},
		"a parent that fails by itself": {
			events: events + `{"Action":"pass","Package":"p","Test":"TestTable/second"}
{"Action":"fail","Package":"p","Test":"TestTable"}
{"Action":"fail","Package":"p"}
`, passed: 3, failed: 1, shows: []string{"p  TestTable  failed"},
		},
		"a skipped test as failed": {
			events: events + `{"Action":"skip","Package":"p","Test":"TestTable/second"}
{"Action":"pass","Package":"p","Test":"TestTable"}
{"Action":"pass","Package":"p"}
`, passed: 2, failed: 1, shows: []string{"nothing here may skip"},
		},
		"a test that did not end, with what the package said": {
			events: events + `{"Action":"output","Package":"p","Output":"panic: test timed out\n"}
{"Action":"fail","Package":"p"}
`, passed: 2, failed: 1, shows: []string{"TestTable/second  did not end", "panic: test timed out"},
		},
		"a package that never ended": {
			events: events, err: errors.New("signal: killed"), passed: 2, failed: 1,
			shows: []string{"TestTable/second  did not end"},
		},
		"a package that does not build": {
			events: `{"ImportPath":"p [p.test]","Action":"build-output","Output":"x.go:1: undefined: y\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"start","Package":"p"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}
`, failed: 1, shows: []string{"undefined: y", "p  fails outside its tests"},
		},
		"a package without tests not at all": {
			events: `{"Action":"output","Package":"p","Output":"?   \tp\t[no test files]\n"}
{"Action":"skip","Package":"p"}
`,
		},
		"what keeps go test from running as one failure": {
			events: "pattern ./nowhere: no such directory\n", err: errors.New("go test: exit status 1"), failed: 1,
			shows: []string{"no such directory", "go test: exit status 1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			if err := r.read(strings.NewReader(c.events)); err != nil {
				t.Fatal(err)
			}
			r.close(c.err)
			if r.passed != c.passed || r.failed() != c.failed {
				t.Errorf("%d passed, %d failed; want %d and %d", r.passed, r.failed(), c.passed, c.failed)
			}
			for _, want := range c.shows {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the report does not show %q:\n%s", want, out.String())
				}
			}
			if strings.Contains(out.String(), "=== RUN") {
				t.Errorf("the report shows what nobody needs:\n%s", out.String())
			}
		})
	}
}

func TestRun_CountsARealRun(t *testing.T) {
	var out strings.Builder
	passed, failed := run(t.Context(), []string{"-run", "^TestReport_Counts$", "."}, &out)
	if passed != 9 || failed != 0 {
		t.Errorf("%d passed, %d failed; want 9 and 0:\n%s", passed, failed, out.String())
	}
}
