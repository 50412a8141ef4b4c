package run

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows the progress of one measurement, where somebody may watch it.
type bar struct{ bar *progressbar.ProgressBar }

func (r *Runner) bar(what string, total int) bar {
	file, isFile := r.Log.(*os.File)
	return bar{progressbar.NewOptions(total,
		progressbar.OptionSetWriter(r.Log), progressbar.OptionSetDescription("  "+what), progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetVisibility(isFile && term.IsTerminal(int(file.Fd()))),
	)}
}

func (b bar) show(done int) { _ = b.bar.Set(done) } // it is only shown

func (b bar) finish() { _ = b.bar.Finish() }
