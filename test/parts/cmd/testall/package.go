package main

import "strings"

// pkg is what one package's tests have said so far.
type pkg struct {
	output []string // what stands outside its tests
	tests  []*test  // in the order in which they began
	byName map[string]*test
}

// test is one test or subtest.
type test struct {
	name     string
	status   string // pass, fail or skip; empty while it runs
	output   []string
	parent   *test
	subtests bool // it has subtests
	sunk     bool // one of its subtests has failed, been skipped or not ended
}

// result is what a package's tests amount to.
type result struct {
	passed     int
	failed     []*test // those that count
	shown      []*test // those and their parents, which may have something to say
	unfinished bool
}

// add takes one event of a test.
func (p *pkg) add(e event) {
	t := p.byName[e.Test]
	if t == nil {
		t = &test{name: e.Test}
		p.byName[e.Test] = t
		p.tests = append(p.tests, t)
		if i := strings.LastIndex(e.Test, "/"); i > 0 {
			t.parent = p.parent(e.Test[:i])
		}
	}
	switch e.Action {
	case "output":
		if !strings.HasPrefix(e.Output, "=== ") {
			t.output = append(t.output, e.Output)
		}
	case "pass", "fail", "skip":
		t.status = e.Action
	}
}

// parent returns the nearest test above a subtest, and notes that it has one. A
// slash may also stand in the subtest's own name.
func (p *pkg) parent(name string) *test {
	for {
		if t := p.byName[name]; t != nil {
			t.subtests = true
			return t
		}
		i := strings.LastIndex(name, "/")
		if i < 0 {
			return nil
		}
		name = name[:i]
	}
}

// result counts. Subtests begin after their parents, so from the end on every
// test is seen after its subtests.
func (p *pkg) result() result {
	var r result
	for i := len(p.tests) - 1; i >= 0; i-- {
		t := p.tests[i]
		switch {
		case t.status == "pass" && !t.subtests:
			r.passed++
		case t.status == "pass":
		default:
			r.unfinished = r.unfinished || t.status == ""
			r.shown = append([]*test{t}, r.shown...)
			if !t.sunk {
				r.failed = append([]*test{t}, r.failed...)
			}
			if t.parent != nil {
				t.parent.sunk = true
			}
		}
	}
	return r
}

// verdict says in words what became of a test that did not pass.
func (t *test) verdict() string {
	switch t.status {
	case "skip":
		return "was skipped, and nothing here may skip"
	case "":
		return "did not end"
	default:
		return "failed"
	}
}

// text is what the test has written.
func (t *test) text() string { return strings.Join(t.output, "") }
