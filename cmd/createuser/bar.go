package main

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar returns a progress bar of total steps, -1 when that is unknown. It is
// drawn only where somebody may watch it: on a terminal.
func (t *tool) bar(total int, what string, more ...progressbar.Option) *progressbar.ProgressBar {
	file, isFile := t.err.(*os.File)
	visible := isFile && term.IsTerminal(int(file.Fd()))
	return progressbar.NewOptions(total, append(more,
		progressbar.OptionSetWriter(t.err), progressbar.OptionSetDescription(what), progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetVisibility(visible),
	)...)
}
