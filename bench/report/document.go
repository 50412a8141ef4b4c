package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The markers between which a document's generated part stands.
const (
	beginMark = "<!-- begin of what make bench writes -->"
	endMark   = "<!-- end of what make bench writes -->"
)

// Render writes the results that stand in a folder into a document, between its
// markers, and their plots beside it. What was never measured is left out.
func Render(results, document string) error {
	var rounds Rounds
	var scale Scale
	err := Load(results, RoundsFile, &rounds)
	if scaleErr := Load(results, ScaleFile, &scale); scaleErr != nil && !errors.Is(scaleErr, os.ErrNotExist) {
		err = errors.Join(err, scaleErr)
	}
	if err != nil {
		return err
	}
	old, err := os.ReadFile(document)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	text, err := between(string(old), "\n"+Tables(rounds, scale)+"\n")
	if err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	if err := Plots(strings.TrimSuffix(document, filepath.Ext(document)), rounds, scale); err != nil {
		return err
	}
	if err := os.WriteFile(document, []byte(text), 0o600); err != nil { //nolint:gosec // the command line names it
		return fmt.Errorf("write the document: %w", err)
	}
	return nil
}

// between replaces what stands between the markers.
func between(document, text string) (string, error) {
	head, rest, found := strings.Cut(document, beginMark)
	_, tail, ended := strings.Cut(rest, endMark)
	if !found || !ended {
		return "", fmt.Errorf("want the lines %q and %q, in this order", beginMark, endMark)
	}
	return head + beginMark + "\n" + text + endMark + tail, nil
}
