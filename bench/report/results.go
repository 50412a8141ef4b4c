// Package report keeps what was measured, and shows it: as tables and plots in
// docs/performance.md, between markers, so that no figure is copied by hand.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/create-user/create-user/bench/run"
)

// Machine is where something was measured.
type Machine struct {
	CPU     string            `json:"cpu"`
	Cores   int               `json:"cores"`
	Memory  int               `json:"memoryGiB"`
	Kernel  string            `json:"kernel"`
	Parts   map[string]string `json:"parts"` // versions
	Started string            `json:"started"`
	Seconds float64           `json:"seconds"` // that all took
}

// Rounds are the results of the rounds: rounds.json.
type Rounds struct {
	Machine Machine   `json:"machine"`
	Runs    []run.Run `json:"runs"`
}

// Scale are the results over a long history, and with more replicas: scale.json.
type Scale struct {
	Machine  Machine     `json:"machine"`
	Run      run.Run     `json:"run"`
	Slices   []run.Slice `json:"slices"`
	Replicas []run.Run   `json:"replicas"`
}

// The files of a results folder.
const (
	RoundsFile = "rounds.json"
	ScaleFile  = "scale.json"
)

// Save writes results into a file of a folder, which it makes.
func Save(folder, file string, results any) error {
	data, err := json.MarshalIndent(results, "", " ")
	if err != nil {
		return fmt.Errorf("encode the results: %w", err)
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("make the results folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, file), append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

// Load reads results from a file of a folder.
func Load(folder, file string, results any) error {
	data, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		return fmt.Errorf("read the results: %w", err)
	}
	if err := json.Unmarshal(data, results); err != nil {
		return fmt.Errorf("read the results in %s: %w", file, err)
	}
	return nil
}
